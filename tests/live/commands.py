"""What a person would type, run against the stack of a test; and the calls of its demo.toml files."""

import asyncio
import subprocess
import sys
from pathlib import Path

from mcp_local import control, environment
from mcp_local.governed import Call, Outcome, calls_of, make
from mcp_local.load import Stack

SECONDS = 120


def local(
    stack: Stack, *words: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`make up` is `python -m mcp_local up`, and so on."""
    return subprocess.run(
        [sys.executable, "-m", "mcp_local", *words],
        env=control.environment(stack.here) | (env or {}), cwd=stack.here.root,
        check=False, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip


def audit(stack: Stack, *words: str) -> subprocess.CompletedProcess[str]:
    """The ledger's own command line, in the gateway's environment."""
    filler = stack.filler()
    return subprocess.run(
        [sys.executable, "-m", "mcp_gateway.audit", *words],
        env=environment.of_process(filler.plan.part("gateway"), filler), cwd=stack.here.root,
        check=False, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip


def demo_calls(stack: Stack) -> list[Call]:
    return [call for server in stack.plan.servers() for call in calls_of(server)]


def one_allowed_call_each(stack: Stack) -> list[Call]:
    """For every server, the first of its calls that a person may make."""
    allowed = [call for call in demo_calls(stack) if call.expect == "allowed"]
    return list({call.server: call for call in reversed(allowed)}.values())


async def made(stack: Stack, calls: list[Call]) -> list[Outcome]:
    return await make(calls, f"{stack.here.gateway}/mcp", token_endpoint(stack), password(stack))


def token_endpoint(stack: Stack) -> str:
    return f"{stack.here.issuer}/protocol/openid-connect/token"


def password(stack: Stack) -> Path:
    return stack.here.secrets / "demo-password"


async def until_made(stack: Stack, calls: list[Call], within: float) -> None:
    """Until every call goes as expected; fails with what still went wrong after so long."""
    wrong = await made(stack, calls)
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while wrong := [outcome for outcome in wrong if not outcome.as_expected]:
        assert loop.time() < deadline, f"after {within:.0f} s: {wrong}"
        await asyncio.sleep(0.5)
        wrong = await made(stack, [outcome.call for outcome in wrong])
