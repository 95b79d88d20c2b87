"""P08: no policy, no agents, no lock: nothing is allowed. A file that breaks while the gateway runs
leaves the last good policy in force, as decision 0011 says, and the next good one is taken.
"""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from attacks.oracle import unharmed
from house.asks import GOOD, error_of, result_of
from house.backends import Counted
from house.conftest import Opened
from house.folders import AGENTS, POLICIES
from house.house import House, write_folder
from people import Issuer

from mcp_gateway.app import build
from mcp_gateway.configuration.settings import ConfigError

FILES = {
    "policy.yaml": "servers/numbers/policy.yaml",
    "agents.yaml": "gateway/agents.yaml",
    "tools.lock.json": "servers/numbers/tools.lock.json",
}
BROKEN: dict[str, bytes | None] = {
    "missing": None,
    "empty": b"",
    "blank": b"\n \n",
    "null": b"null",
    "a list": b"[]",
    "a word": b"allow",
    "binary": b"\x00\xff\xfe",
    "cut off": b'{"tools": {"add_numbers": {"roles": [',
    "deep": b"[" * 20_000,
    "odd inside": b'{"tools": [7], "prompts": null, "agents": 7}',
}


def break_(file: Path, content: bytes | None) -> None:
    if content is None:
        file.unlink(missing_ok=True)
    else:
        file.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
async def test_p08_without_a_sound_file_the_gateway_does_not_start(
    tmp_path: Path, issuer: Issuer, name: str
) -> None:
    made = await write_folder(tmp_path / "house", issuer)
    file = tmp_path / "house" / FILES[name]
    for content in BROKEN.values():
        break_(file, content)
        with pytest.raises(ConfigError) as refused:
            build(made)
        assert str(file.parent if content is None else file) in str(refused.value)
    file.unlink(missing_ok=True)
    file.mkdir()
    with pytest.raises(ConfigError):
        build(made)


LOCKS: dict[str, Any] = {
    "no hash": {"name": "add_numbers", "inputSchema": {}},
    "no name": {"hash": "0" * 64},
    "another hash": {"name": "add_numbers", "inputSchema": {}, "hash": "0" * 64},
    "no object": 7,
    "not a number": {"name": "add_numbers", "inputSchema": {"maximum": float("nan")}},
}


@pytest.mark.parametrize("lock", LOCKS)
async def test_p08_a_lock_that_does_not_say_what_was_reviewed_is_none(
    tmp_path: Path, issuer: Issuer, lock: str
) -> None:
    made = await write_folder(tmp_path / "house", issuer)
    file = tmp_path / "house" / FILES["tools.lock.json"]
    file.write_text(json.dumps({"tools": [LOCKS[lock]], "prompts": []}))
    with pytest.raises(ConfigError, match=r"tools\.lock\.json"):
        build(made)


@pytest.mark.parametrize(
    ("policies", "agents"),
    [("tools: {}\n", AGENTS), ("{}\n", AGENTS), (POLICIES["numbers"], "agents: {}\n")],
)
async def test_p08_files_that_allow_nobody_anything_deny_everything(
    opened: Opened, server: Counted, policies: str, agents: str
) -> None:
    async with opened(server, policies={"numbers": policies}) as home:
        folder = home.gateway.settings.config.parent
        (folder / "agents.yaml").write_text(agents)
        if agents != AGENTS:
            await taken(home)
        for person in ("ana", "ben", "olu"):
            listed = result_of(await home.post("tools/list", person=person))["tools"]
            assert listed == []
            answer = await home.call(GOOD["name"], GOOD["arguments"], person=person)
            assert error_of(answer)["code"] == -32602
        assert server.calls == []
        assert len(await home.records(kind="refusal", decision="deny")) == 3


async def taken(home: House) -> None:
    """Until another policy than now is in force."""
    before = home.gateway.policy
    deadline = time.monotonic() + 20
    while home.gateway.policy is before:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def broken_events(home: House, count: int) -> list[dict[str, Any]]:
    found = await home.settled(count, kind="event", reason="policy_broken")
    assert len(found) >= count, "the broken file was not noticed"
    return found


async def test_p08_a_file_that_breaks_keeps_the_last_good_policy_and_the_gateway_ready(
    opened: Opened, server: Counted
) -> None:
    async with opened(server) as home:
        root, policy = home.gateway.settings.config.parents[1], home.gateway.policy
        right = {name: (root / name).read_bytes() for name in FILES.values()}
        kinds = ("cut off", "missing", "odd inside")
        async with unharmed(home, records=3) as told:
            for count, (name, kind) in enumerate(zip(FILES.values(), kinds, strict=True), 1):
                for other, content in right.items():
                    (root / other).write_bytes(content)
                break_(root / name, BROKEN[kind])
                event = (await broken_events(home, count))[-1]
                assert str(root / name) in event["detail"]["error"]
                denied = told.answer(await home.call(GOOD["name"], GOOD["arguments"], person="ben"))
                assert error_of(denied)["code"] == -32602
                assert (await home.http.get("/readyz")).json()["ready"] is True
        assert home.gateway.policy is policy


async def test_p08_after_every_kind_of_broken_file_a_sound_one_is_still_taken(
    opened: Opened, server: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file nobody expected must not end the watch: rights taken away later would stay."""
    async with opened(server) as home:
        file = home.gateway.settings.config.parents[1] / FILES["policy.yaml"]
        for count, content in enumerate(("a: !!bool perhaps", "a: 2026-13-45"), 1):
            file.write_text(content)
            await broken_events(home, count)
        with monkeypatch.context() as patched:
            patched.setattr("mcp_gateway.definitions.catalogue.load", lambda _: 1 / 0)
            file.write_text("tools: {}  # and a bug of ours\n")
            assert (await broken_events(home, 3))[-1]["detail"]["error"] == "ZeroDivisionError"
        file.write_text("tools: {}\n")
        await taken(home)
        answer = await home.call(GOOD["name"], GOOD["arguments"])
        assert error_of(answer)["code"] == -32602
