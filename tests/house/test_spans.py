"""The gateway's spans say who called what and how it ended, and nothing of what was said."""

import json
from collections.abc import Iterator

import pytest
from house.house import House
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from mcp_gateway.door import edge
from mcp_gateway.identity import exchange
from mcp_gateway.telemetry.spans import Spans
from mcp_gateway.upstream import forward

CANARY = "heron4711"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """Spans as the gateway makes them, before anything is taken out on export."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("mcp_gateway")
    monkeypatch.setattr(exchange, "tracer", tracer)
    for module in (edge, forward):
        monkeypatch.setattr(module, "spans", Spans("mcp_gateway", tracer))
    yield exporter
    provider.shutdown()


def top_of(kept: InMemorySpanExporter) -> ReadableSpan:
    (top,) = (one for one in kept.get_finished_spans() if one.kind is SpanKind.SERVER)
    return top


async def test_the_span_of_a_call_has_person_agent_and_the_id_of_its_record(
    home: House, kept: InMemorySpanExporter
) -> None:
    await home.call("numbers_add_numbers", {"numbers": [7]})
    top = top_of(kept)
    (intent, _) = await home.records(person="ana", tool="add_numbers")
    assert dict(top.attributes or {}) == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2026-07-28",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "numbers_add_numbers",
        "enduser.id": intent["person"],
        "gen_ai.agent.id": intent["agent"],
        "mcp_gateway.call.id": intent["rid"],
        "mcp_gateway.status": "ok",
    }
    assert top.name == "tools/call numbers_add_numbers"
    assert format(top.context.trace_id, "032x") == intent["trace"]
    (sent,) = (one for one in kept.get_finished_spans() if one.kind is SpanKind.CLIENT)
    assert sent.name == "tools/call add_numbers"
    assert sent.parent == top.context
    assert dict(sent.attributes or {}) == {"server.address": "numbers"}


async def test_the_span_goes_on_from_the_callers_trace(
    home: House, kept: InMemorySpanExporter
) -> None:
    parent = f"00-{'ab' * 16}-{'cd' * 8}-01"
    await home.call("numbers_add_numbers", {"numbers": [1]}, headers={"traceparent": parent})
    top = top_of(kept)
    assert format(top.context.trace_id, "032x") == "ab" * 16
    assert top.parent is not None
    assert format(top.parent.span_id, "016x") == "cd" * 8


async def test_a_refused_call_is_a_span_with_the_person_and_no_error(
    home: House, kept: InMemorySpanExporter
) -> None:
    await home.call("numbers_note_number", {"number": 1, "note": CANARY}, person="dee")
    top = top_of(kept)
    attributes = dict(top.attributes or {})
    assert (attributes["enduser.id"], attributes["mcp_gateway.status"]) == ("dee", "refused")
    assert top.status.status_code is StatusCode.UNSET
    assert CANARY not in top.to_json()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("tools/call", {"name": f"numbers_{CANARY}", "arguments": {CANARY: CANARY}}),
        ("tools/call", {"name": "numbers_add_numbers", "arguments": {"numbers": [CANARY]}}),
        ("resources/read", {"uri": f"numbers://digits/{CANARY}"}),
        ("prompts/get", {"name": CANARY, "arguments": {"text": CANARY}}),
        (f"made/up/{CANARY}", {}),
        ("resources/list", {"cursor": CANARY}),
    ],
)
async def test_nothing_a_caller_makes_up_is_in_a_span(
    home: House, kept: InMemorySpanExporter, method: str, params: dict[str, object]
) -> None:
    await home.post(method, params)
    spans = kept.get_finished_spans()
    assert top_of(kept).attributes
    told = json.dumps([json.loads(one.to_json()) for one in spans])
    assert CANARY not in told
    assert home.token() not in told


async def test_reading_a_resource_names_the_server_and_not_the_page(
    home: House, kept: InMemorySpanExporter
) -> None:
    answer = await home.post("resources/read", {"uri": "numbers://digits/1"})
    assert answer.status_code == 200, answer.text
    (sent,) = (one for one in kept.get_finished_spans() if one.kind is SpanKind.CLIENT)
    assert sent.name == "resources/read"
    assert dict(sent.attributes or {}) == {"server.address": "numbers"}
