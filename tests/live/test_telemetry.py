"""One trace from the gateway to the database, and a duration per tool, at an OTLP endpoint."""

import asyncio
from collections.abc import Callable

from live.commands import demo_calls, made
from live.otlp import Collector, Span

from mcp_local.load import Stack

SECONDS = 15.0


async def eventually(found: Callable[[], bool]) -> bool:
    for _ in range(int(SECONDS / 0.2)):
        if found():
            return True
        await asyncio.sleep(0.2)
    return False


async def test_one_trace_leads_from_the_gateway_to_the_database(
    stack: Stack, collector: Collector
) -> None:
    call = next(call for call in demo_calls(stack) if call.expect == "allowed")
    (outcome,) = await made(stack, [call])
    assert outcome.as_expected
    name = f"tools/call {call.server}_{call.tool}"

    def complete() -> bool:
        return any(_path(collector, top, call.server) for top in _tops(collector, name))

    assert await eventually(complete), sorted({(s.service, s.name) for s in collector.spans})


def _tops(collector: Collector, name: str) -> list[Span]:
    return [one for one in list(collector.spans) if (one.service, one.name) == ("gateway", name)]


def _path(collector: Collector, top: Span, server: str) -> bool:
    """gateway's server span → … → the server's tool span → what it asked its system of record."""
    spans = {one.span: one for one in list(collector.spans) if one.trace == top.trace}
    tools = [
        one
        for one in spans.values()
        if one.service == server and one.attributes.get("mcp.method.name") == "tools/call"
    ]
    below = [one for one in spans.values() if one.service == server and one not in tools]
    return bool(tools) and bool(below) and _leads_up(spans, below[0], top)


def _leads_up(spans: dict[str, Span], start: Span, top: Span) -> bool:
    at: Span | None = start
    while at is not None and at.span != top.span:
        at = spans.get(at.parent)
    return at is not None


async def test_durations_are_measured_per_tool_on_both_sides(
    stack: Stack, collector: Collector
) -> None:
    call = next(call for call in demo_calls(stack) if call.expect == "allowed")
    await made(stack, [call])
    wanted = {
        ("gateway", "mcp.server.operation.duration", f"{call.server}_{call.tool}"),
        (call.server, "mcp.server.operation.duration", call.tool),
    }
    assert await eventually(lambda: wanted <= collector.metrics), collector.metrics


async def test_no_secret_of_a_caller_is_in_a_span(stack: Stack, collector: Collector) -> None:
    assert await eventually(lambda: bool(collector.spans)), stack.here.run
    told = " ".join(f"{one.name} {one.attributes}" for one in list(collector.spans))
    assert "eyJ" not in told, "a token"
    assert "Bearer" not in told
