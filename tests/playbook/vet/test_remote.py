"""A remote server on loopback: a bare one of the SDK in both eras, and ones that misbehave."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from asgi import started
from house.backends import listening
from mcp.server.mcpserver import MCPServer

from mcp_playbook.vet.audit import audit
from mcp_playbook.vet.cli import main
from mcp_playbook.vet.collect import remote
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.gather import Wanted, gather
from mcp_playbook.vet.subject import Subject

App = Callable[[Any, Any, Any], Awaitable[None]]


def bare() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("bare", instructions="Adds.")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    return server


@pytest.mark.parametrize("stateless", [False, True])
async def test_a_bare_server_is_listed_over_http(stateless: bool) -> None:
    app = bare().streamable_http_app(stateless_http=stateless)
    async with started(app), listening(app) as port:
        address = f"http://127.0.0.1:{port}/mcp"
        record = await gather(Wanted(Subject("remote", address)))
    (server,) = record.sources["tools"].data["servers"]
    assert server["name"] == "bare"
    assert [tool["name"] for tool in server["tools"]] == ["add"]
    assert server["instructions"] == "Adds."
    found = audit(record)
    assert found.confidence == 0.2
    assert {one.name: one.state for one in found.exclusions}[
        "hidden text in definitions"
    ] == "clear"


async def test_the_token_goes_to_the_server_and_not_into_the_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    inner = bare().streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend(v.decode() for k, v in scope["headers"] if k == b"authorization")
        await inner(scope, receive, send)

    monkeypatch.setenv("MCP_TOKEN", "very-secret")
    async with started(inner), listening(app) as port:
        source = await remote.collect(f"http://127.0.0.1:{port}/mcp?key=also-secret")
    assert set(seen) == {"Bearer very-secret"}
    told = json.dumps([source.data, source.source])
    assert "secret" not in told
    assert "with a token" in told


async def _body(receive: Any) -> Any:
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return json.loads(body or b"{}")


async def _start(
    send: Any, status: int = 200, kind: bytes = b"application/json", **more: str
) -> None:
    headers = [(b"content-type", kind), *((k.encode(), v.encode()) for k, v in more.items())]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def hundred_mebibytes(_scope: Any, receive: Any, send: Any) -> None:
    call = await _body(receive)
    await _start(send)
    head = {"jsonrpc": "2.0", "id": call.get("id")}
    await send(
        {"type": "http.response.body", "body": json.dumps(head).encode()[:-1], "more_body": True}
    )
    for _ in range(100):
        await send({"type": "http.response.body", "body": b" " * 1024 * 1024, "more_body": True})
    await send({"type": "http.response.body", "body": b"}"})


async def endless_events(_scope: Any, receive: Any, send: Any) -> None:
    await _body(receive)
    await _start(send, kind=b"text/event-stream")
    note = (
        b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"%s"}}\n\n'
        % (b"x" * 9000)
        * 100
    )
    for _ in range(1000):
        await send({"type": "http.response.body", "body": note, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def silent(_scope: Any, receive: Any, _send: Any) -> None:
    await _body(receive)
    await asyncio.sleep(600)


async def junk(_scope: Any, receive: Any, send: Any) -> None:
    await _body(receive)
    await _start(send)
    await send({"type": "http.response.body", "body": b"<html>hello</html>"})


async def closed(_scope: Any, receive: Any, send: Any) -> None:
    await _body(receive)
    await _start(send, 401)
    await send({"type": "http.response.body", "body": b"{}"})


async def elsewhere(_scope: Any, receive: Any, send: Any) -> None:
    await _body(receive)
    await _start(send, 307, location="http://192.0.2.1/mcp")
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    ("app", "word", "seconds"),
    [
        (hundred_mebibytes, "more than 8 MiB", 30),
        (endless_events, "more than 8 MiB", 30),
        (silent, "did not answer within 1 s", 1),
        (junk, "Invalid JSON|parse|JSON", 10),
        (closed, "answers 401; put a token into MCP_TOKEN", 10),
        (elsewhere, "192.0.2.1", 10),
    ],
)
async def test_one_that_misbehaves_is_left_with_a_clear_message(
    app: App, word: str, seconds: float
) -> None:
    async with listening(app) as port:
        with pytest.raises(NotHadError, match=word):
            await remote.collect(f"http://127.0.0.1:{port}/mcp", seconds=seconds)


async def test_nobody_there_is_no_crash() -> None:
    with pytest.raises(NotHadError):
        await remote.collect("http://127.0.0.1:9/mcp", seconds=5)


async def test_the_command_reports_it_as_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    async with listening(junk) as port:
        code = await asyncio.to_thread(main, [f"http://127.0.0.1:{port}/mcp"])
    assert code == 0
    out = capsys.readouterr().out
    assert "reject" in out
    assert "nothing known" in out
