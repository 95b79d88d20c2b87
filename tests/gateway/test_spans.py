"""Our spans beside OpenTelemetry's own: what reaches a collector is the same."""

from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import DEFAULT_OFF, DEFAULT_ON, Sampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags

from mcp_gateway.telemetry.spans import Spans

HELD = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "one_read_it"}


class Both:
    """One provider, and what was exported of it."""

    def __init__(self, sampler: Sampler = DEFAULT_ON) -> None:
        self.kept = InMemorySpanExporter()
        provider = TracerProvider(sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        self.theirs = provider.get_tracer("mcp_gateway")
        self.spans = Spans("mcp_gateway", self.theirs)

    def begin(self, context: Context | None = None) -> tuple[trace.Span, trace.Span]:
        """Theirs and ours."""
        theirs = self.theirs.start_span("call", context, SpanKind.SERVER, HELD)
        return theirs, self.spans.begin("call", SpanKind.SERVER, HELD, context)

    def exported(self) -> list[dict[str, Any]]:
        return [_without_chance(one) for one in self.kept.get_finished_spans()]


def _without_chance(span: ReadableSpan) -> dict[str, Any]:
    """What is sent of it, but for its ids and moments."""
    (resource,) = encode_spans([span]).resource_spans
    (scope,) = resource.scope_spans
    (sent,) = scope.spans
    assert 0 < sent.start_time_unix_nano <= sent.end_time_unix_nano
    assert (len(sent.trace_id), len(sent.span_id)) == (16, 8)
    sent.start_time_unix_nano = sent.end_time_unix_nano = 0
    for event in sent.events:
        event.time_unix_nano = 0
    if not sent.parent_span_id:
        sent.trace_id = b""
    sent.span_id = b""
    return {"resource": str(resource.resource), "scope": str(scope.scope), "span": str(sent)}


def under(flags: int, *, remote: bool = True) -> Context:
    parent = SpanContext(7, 9, remote, TraceFlags(flags))
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


@pytest.mark.parametrize(
    "context", [Context(), under(1), under(3), under(3, remote=False)], ids=range(4)
)
def test_a_span_is_sent_as_opentelemetrys_own_would_be(context: Context) -> None:
    both = Both()
    for span in both.begin(context):
        span.set_attribute("mcp_gateway.status", "failed")
        span.set_attributes({"error.type": "timed_out"})
        span.add_event("seen", {"times": 2})
        span.set_status(StatusCode.ERROR, "why")
        span.update_name("renamed")
        assert span.is_recording()
        span.end()
        assert not span.is_recording()
    theirs, ours = both.exported()
    assert ours == theirs
    assert "timed_out" in ours["span"]


@pytest.mark.parametrize("context", [Context(), under(1), under(2)], ids=["root", "kept", "not"])
@pytest.mark.parametrize("sampler", [DEFAULT_ON, DEFAULT_OFF])
def test_what_is_sampled_is_the_samplers_word(sampler: Sampler, context: Context) -> None:
    both = Both(sampler)
    theirs, ours = (span.get_span_context() for span in both.begin(context))
    assert ours.trace_flags == theirs.trace_flags
    assert ours.is_valid
    if trace.get_current_span(context).get_span_context().is_valid:
        assert ours.trace_id == theirs.trace_id == 7


def test_a_span_that_is_not_sampled_is_not_sent() -> None:
    both = Both()
    for span in both.begin(under(0)):
        span.set_attribute("mcp_gateway.status", "ok")
        span.end()
    assert both.exported() == []


def test_a_span_ends_once_and_does_not_write_into_what_it_was_given() -> None:
    both = Both()
    _, ours = both.begin()
    ours.set_attribute("mcp_gateway.status", "ok")
    ours.end()
    ours.end()
    assert len(both.exported()) == 1
    assert "mcp_gateway.status" not in HELD


def test_a_failure_on_a_span_is_its_type_and_none_of_its_words() -> None:
    both = Both()
    _, ours = both.begin()
    ours.record_exception(ValueError("heron"))
    ours.end()
    (sent,) = both.exported()
    assert "ValueError" in sent["span"]
    assert "heron" not in sent["span"]


def test_without_telemetry_there_is_a_span_that_does_nothing() -> None:
    spans = Spans("mcp_gateway", trace.NoOpTracer())
    assert not spans.begin("call", SpanKind.SERVER, HELD).is_recording()
