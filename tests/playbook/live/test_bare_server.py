"""The black-box checks against a server that is not ours: the SDK's own, as its tutorial has it.

What it does well passes, what a gateway is for fails, and nothing of the kit is asked of it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from asgi import held
from house.backends import listening
from mcp.server.mcpserver import MCPServer
from playbook.live.verdicts import waits

from mcp_playbook import source
from mcp_playbook.checks.catalogue import CHECKS
from mcp_playbook.checks.run import outcome
from mcp_playbook.deployment import SOMEBODY, Deployment

PROBES = """
[[call]]
person = "anybody"
tool = "add"
expect = "allowed"
arguments = { a = 2, b = 3 }
"""
# id → what it says of the bare server; everything else of the kind black-box fails
STANDS = {
    "W1-01": "pass", "W1-07": "pass", "W3-16": "pass", "W3-18": "pass",
    "W3-19": "pass", "W4-01": "pass", "W4-02": "pass",
    "W3-07": "not yet", "W3-08": "not yet",
}  # fmt: skip


@asynccontextmanager
async def bare_server() -> AsyncIterator[str]:
    server: MCPServer[None] = MCPServer("bare")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    def subtract(a: int, b: int) -> int:
        """Take one number from another."""
        return a - b

    @server.tool()
    def greet(name: str) -> str:
        """Say hello."""
        return f"Hello, {name}"

    app = server.streamable_http_app(streamable_http_path="/mcp", stateless_http=True)
    async with held(app.router.lifespan_context(app)), listening(app) as port:
        yield f"http://127.0.0.1:{port}/mcp"


@pytest_asyncio.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Deployment]:
    probes = tmp_path / "probes.toml"
    probes.write_text(PROBES)
    async with bare_server() as url:
        yield source.bare(url, probes=str(probes))


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind == "black-box"], ids=lambda c: c.id)
async def test_a_black_box_check_says_of_a_bare_server_what_is_so(
    bare: Deployment, check: object
) -> None:
    found = await outcome(check, bare)  # type: ignore[arg-type]
    wanted = STANDS.get(found.check.id, "fail")
    assert found.state == wanted, f"{found.check.id}: {found.state}: {found.evidence}"
    assert "the check itself broke" not in found.evidence
    assert bool(found.do) == (found.state != "pass")


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind == "kit"], ids=lambda c: c.id)
async def test_a_check_of_the_kit_waits_at_a_bare_server(bare: Deployment, check: object) -> None:
    await waits(check, bare)  # type: ignore[arg-type]


async def refusing(scope: Any, receive: Any, send: Any) -> None:
    """A server that asks for a token before anything else."""
    del scope, receive
    start = {"type": "http.response.start", "status": 401, "headers": []}
    await send(start)
    await send({"type": "http.response.body", "body": b"{}"})


# without a token they can say what they are about; all others cannot, and none passes on nothing
WITHOUT_TOKEN = {
    "W3-01": "fail",  # this 401 names no metadata
    "W3-02": "fail", "W3-14": "fail", "W3-19": "pass",
}  # fmt: skip


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind == "black-box"], ids=lambda c: c.id)
async def test_nothing_passes_on_a_door_that_stayed_shut(check: object) -> None:
    async with listening(refusing) as port:
        found = await outcome(check, source.bare(f"http://127.0.0.1:{port}/mcp"))  # type: ignore[arg-type]
    if found.check.id in ("W3-03", "W3-04", "W3-05"):
        assert found.state in ("pass", "not yet"), found.evidence  # a refusal is what they ask for
        return
    assert found.state == WITHOUT_TOKEN.get(found.check.id, "not yet"), found.evidence


async def test_a_token_without_probes_is_used() -> None:
    async with bare_server() as url:
        at = source.from_environment({"URL": url, "MCP_TOKEN": "anything"})
        assert at.people() == [SOMEBODY]
        assert len(await at.tools(at.endpoints[0])) == 3
