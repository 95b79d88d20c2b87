"""Spans that cost a call little: written to by one task, with attributes known to be fit to send.

OpenTelemetry's own may be written to by any thread until they end, each attribute behind a lock and
looked at; two of those are more than all that is decided about a call. Ids, sampler, resource and
the way to the collector are OpenTelemetry's.
"""

from collections.abc import Mapping
from time import time_ns
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Tracer
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, Status, TraceFlags
from opentelemetry.trace.status import StatusCode

RANDOM = TraceFlags.RANDOM_TRACE_ID


class Span(ReadableSpan, trace.Span):
    """One span, read by the exporter once it has ended."""

    def __init__(
        self, tracer: Tracer, name: str, made: SpanContext, held: dict[str, Any], begun: int,
        **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            name, made, attributes=held, start_time=begun, resource=tracer.resource, **more
        )
        self._tracer = tracer
        self._made = made
        self._held = held

    def get_span_context(self) -> SpanContext:
        return self._made

    def set_attribute(self, key: str, value: Any) -> None:
        self._held[key] = value

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self._held.update(attributes)

    def add_event(self, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
        self._events = [*self._events, Event(name, attributes, timestamp)]

    def update_name(self, name: str) -> None:
        self._name = name

    def is_recording(self) -> bool:
        return self._end_time is None

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        self._status = status if isinstance(status, Status) else Status(status, description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Any = None,
        timestamp: int | None = None,
        escaped: bool = False,  # noqa: ARG002  as the interface has it
    ) -> None:
        """Its type alone: what it says may be somebody's words."""
        held = {**(attributes or {}), "exception.type": type(exception).__qualname__}
        self.add_event("exception", held, timestamp)

    def end(self, end_time: int | None = None) -> None:
        if self._end_time is None:
            self._end_time = end_time or time_ns()
            self._tracer.span_processor.on_end(self)


class Spans:
    """Begins the spans of one part, as `Tracer.start_span` does."""

    def __init__(self, name: str, tracer: trace.Tracer | None = None) -> None:
        self._name = name
        self._tracer = tracer
        self._scope = InstrumentationScope(name)

    def begin(
        self, name: str, kind: SpanKind, attributes: dict[str, Any], context: Context | None = None
    ) -> trace.Span:
        # looked up when it is needed: modules are imported before telemetry is set up
        tracer = self._tracer or trace.get_tracer(self._name)
        if not isinstance(tracer, Tracer):
            return tracer.start_span(name, context, kind, attributes)
        self._tracer = tracer
        parent: SpanContext | None = trace.get_current_span(context).get_span_context()
        if parent is not None and parent.is_valid:
            trace_id, random = parent.trace_id, parent.trace_flags & RANDOM
        else:
            parent, trace_id = None, tracer.id_generator.generate_trace_id()
            random = RANDOM if tracer.id_generator.is_trace_id_random() else 0
        asked = tracer.sampler.should_sample(context, trace_id, name, kind, attributes)
        kept = asked.decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(random | TraceFlags.SAMPLED if kept else random)
        span_id = tracer.id_generator.generate_span_id()
        made = SpanContext(trace_id, span_id, False, flags, asked.trace_state)
        if not kept:
            return NonRecordingSpan(made)
        return Span(
            tracer, name, made, dict(asked.attributes), time_ns(), parent=parent, kind=kind,
            instrumentation_scope=self._scope,
        )  # fmt: skip
