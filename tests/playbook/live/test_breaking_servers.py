"""Week 1: each check fails at a server that breaks its promise."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from house.backends import listening
from playbook.live.conftest import Through
from playbook.live.meddler import Answered, Asked, Change, Forward
from playbook.live.verdicts import fails, passes, waits

from mcp_gateway.configuration.settings import Server
from mcp_playbook.checks import week_1 as week
from mcp_playbook.deployment import Deployment, Kit, Launch

JSON = {"content-type": "application/json"}
Tool = dict[str, Any]


def listing(mend: Callable[[list[Tool]], list[Tool]]) -> Change:
    """Every tools/list changed in which there is something."""

    async def change(asked: Asked, forward: Forward) -> Answered:
        answer = await forward(asked)
        if b'"tools/list"' not in asked.body or answer.status != 200:
            return answer
        document = json.loads(answer.body)
        if not document["result"]["tools"]:  # of somebody who may use nothing
            return answer
        document["result"]["tools"] = mend(document["result"]["tools"])
        return replace(answer, headers=JSON, body=json.dumps(document).encode())

    return change


def kit(at: Deployment, **changes: Any) -> Deployment:
    assert isinstance(at.kit, Kit)
    return replace(at, kit=replace(at.kit, **changes))


def copied(at: Deployment, to: Path, change: Callable[[Path], None]) -> Deployment:
    """With the first server's folder copied and changed, and no other server."""
    assert at.kit
    server = at.kit.servers[0]
    folder = to / server.name
    shutil.copytree(server.folder, folder, ignore=shutil.ignore_patterns("src", "__pycache__"))
    change(folder)
    other = Server(name=server.name, folder=folder, resource=server.resource)
    return kit(at, servers=(other,), launches={})


async def test_W1_01_passes_and_fails_with_too_many_tools(through: Through, at: Deployment) -> None:
    def more(tools: list[Tool]) -> list[Tool]:
        return tools + [{**tools[0], "name": f"another_{n}"} for n in range(5)]

    await passes(week.tools_per_server, at)
    async with through(listing(more)) as broken:
        await fails(week.tools_per_server, broken, "has 8")
    async with through(listing(lambda tools: tools[:1])) as broken:
        await fails(week.tools_per_server, broken, "has 1")


@pytest.mark.parametrize("part", ["Use when:", "Not for:", "Returns:", "Fails:"])
async def test_W1_02_fails_when_a_part_is_missing(through: Through, part: str) -> None:
    def without(tools: list[Tool]) -> list[Tool]:
        first = {**tools[0], "description": tools[0]["description"].replace(part, "")}
        return [first, *tools[1:]]

    async with through(listing(without)) as broken:
        await fails(week.descriptions, broken, "findings")


async def test_W1_02_passes_for_our_own(at: Deployment) -> None:
    await passes(week.descriptions, at)


async def test_W1_03_passes_and_fails_with_an_unbounded_argument(
    through: Through, at: Deployment
) -> None:
    def loose(tools: list[Tool]) -> list[Tool]:
        text = json.dumps(tools).replace('"maxLength"', '"title"')
        return list(json.loads(text))

    await passes(week.schemas, at)
    async with through(listing(loose)) as broken:
        await fails(week.schemas, broken, "without maxLength")


async def test_W1_03_fails_when_unknown_keys_are_taken(through: Through) -> None:
    def open_ended(tools: list[Tool]) -> list[Tool]:
        text = json.dumps(tools).replace('"additionalProperties": false', '"title": ""')
        return list(json.loads(text))

    async with through(listing(open_ended)) as broken:
        await fails(week.schemas, broken, "takes unknown keys")


@pytest.mark.parametrize(
    "answer",
    [
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Invalid params"}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"done"}]}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"isError":true,"content":[{"type":"text","text":"Wrong."}]}}',
    ],
    ids=["a protocol error", "taken", "unnamed"],
)
async def test_W1_04_fails_when_a_wrong_argument_is_not_named(
    through: Through, answer: bytes
) -> None:
    async def careless(asked: Asked, forward: Forward) -> Answered:
        return Answered(200, JSON, answer) if b"tools/call" in asked.body else await forward(asked)

    async with through(careless) as broken:
        await fails(week.wrong_arguments, broken)


async def test_W1_04_passes_for_our_own(at: Deployment) -> None:
    await passes(week.wrong_arguments, at)


SPEAKING = """
import json, sys
print("Connected to the database")
for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {}}), flush=True)
"""


async def test_W1_05_passes_and_fails_when_a_server_prints(at: Deployment, tmp_path: Path) -> None:
    def saying(code: str) -> dict[str, Launch]:
        (tmp_path / "server.py").write_text(code)
        return {"chatty": Launch([sys.executable, str(tmp_path / "server.py")], {}, tmp_path)}

    await passes(week.stdout, at)
    await fails(week.stdout, kit(at, launches=saying(SPEAKING)), "Connected to the database")
    await fails(week.stdout, kit(at, launches=saying("raise SystemExit('no')")), "did not answer")
    await waits(week.stdout, kit(at, launches={}), "no server can be started")


async def test_W1_06_passes_and_fails_when_the_code_serves_something_else(
    at: Deployment, tmp_path: Path
) -> None:
    def edit(folder: Path) -> None:
        lock = folder / "tools.lock.json"
        document = json.loads(lock.read_text())
        document["tools"][0]["hash"] = "0" * 64
        lock.write_text(json.dumps(document))

    await passes(week.reviewed, at)
    assert at.kit
    broken = copied(at, tmp_path, edit)
    await fails(week.reviewed, kit(broken, launches=at.kit.launches), "differ from the lock")


async def test_W1_06_fails_without_a_lock_and_with_a_tool_it_does_not_have(
    at: Deployment, through: Through, tmp_path: Path
) -> None:
    def unlocked(folder: Path) -> None:
        (folder / "tools.lock.json").unlink()

    await fails(week.reviewed, copied(at, tmp_path, unlocked), "has no tools.lock.json")

    def more(tools: list[Tool]) -> list[Tool]:
        return [*tools, {**tools[0], "name": "unreviewed"}]

    async with through(listing(more)) as broken:
        await fails(week.reviewed, kit(broken, launches={}), "lists unreviewed")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"content": [], "structuredContent": {}}, "required"),
        ({"content": []}, "no structured content"),
        ({"content": [], "isError": True}, "tool error"),
    ],
)
async def test_W1_07_fails_when_an_answer_breaks_its_schema(
    through: Through, content: dict[str, Any], words: str
) -> None:
    said = json.dumps({"jsonrpc": "2.0", "id": 1, "result": content}).encode()

    async def wrong_shape(asked: Asked, forward: Forward) -> Answered:
        return Answered(200, JSON, said) if b"tools/call" in asked.body else await forward(asked)

    async with through(wrong_shape) as broken:
        await fails(week.outputs, broken, words)


async def test_W1_07_passes_for_our_own(at: Deployment) -> None:
    await passes(week.outputs, at)


async def test_W1_08_passes_and_fails_when_the_page_is_silent(
    at: Deployment, tmp_path: Path
) -> None:
    await passes(week.readmes, at)

    def silent(folder: Path) -> None:
        (folder / "README.md").write_text("# Server\n")

    broken = copied(at, tmp_path, silent)
    await fails(week.readmes, broken, "reaches, never, secret")


async def test_W1_09_passes_fails_and_waits(at: Deployment, tmp_path: Path) -> None:
    def confused(folder: Path) -> None:
        """Every tool described in the same words: nothing tells them apart."""
        lock = folder / "tools.lock.json"
        document = json.loads(lock.read_text())
        for tool in document["tools"]:
            tool["description"] = "Do things with data."
        lock.write_text(json.dumps(document))

    await passes(week.selection, at)
    await fails(week.selection, copied(at, tmp_path / "a", confused))
    without = copied(at, tmp_path / "b", lambda folder: (folder / "prompts.toml").unlink())
    await waits(week.selection, without, "no prompts for")


async def test_W1_10_passes_and_fails_when_a_server_answers_anybody(at: Deployment) -> None:
    async def open_server(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    await passes(week.alone, at)
    async with listening(open_server) as port:
        inside = {at.backends()[0].name: f"http://127.0.0.1:{port}/mcp"}
        await fails(week.alone, kit(at, internal=inside), "answered 200")
    await passes(week.alone, kit(at, internal={at.backends()[0].name: "http://127.0.0.1:9/mcp"}))
