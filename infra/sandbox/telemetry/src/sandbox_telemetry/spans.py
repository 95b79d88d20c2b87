"""Spans as they are kept: serialised, so that their size is known and nothing else stays alive.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status

OVERHEAD_BYTES = 400  # of the objects around one kept span, about


@dataclass(frozen=True, slots=True)
class Kept:
    """One span, with the process and the library it came from."""

    trace: bytes
    span: bytes
    body: bytes
    resource: bytes
    scope: bytes

    @property
    def size(self) -> int:
        return len(self.body) + OVERHEAD_BYTES

    def read(self) -> "Span":
        return Span(Message.FromString(self.body), Resource.FromString(self.resource))


@dataclass(frozen=True)
class Span:
    """A kept span, read again."""

    message: Message
    resource: Resource

    @property
    def id(self) -> bytes:
        return self.message.span_id

    @property
    def parent(self) -> bytes:
        return self.message.parent_span_id

    @property
    def name(self) -> str:
        return self.message.name

    @property
    def start(self) -> int:
        return self.message.start_time_unix_nano

    @property
    def end(self) -> int:
        return max(self.message.end_time_unix_nano, self.start)

    @property
    def failed(self) -> bool:
        return self.message.status.code == Status.STATUS_CODE_ERROR

    @property
    def service(self) -> str:
        return str(attributes(self.resource.attributes).get("service.name", ""))

    @cached_property
    def attributes(self) -> Mapping[str, Any]:
        return attributes(self.message.attributes)


def spans(request: ExportTraceServiceRequest) -> Iterator[Kept | None]:
    """Every span of an export; None for one without proper ids."""
    for batch in request.resource_spans:
        resource = batch.resource.SerializeToString()
        for group in batch.scope_spans:
            scope = group.scope.SerializeToString()
            for span in group.spans:
                proper = len(span.trace_id) == 16 and len(span.span_id) == 8
                if not proper or not any(span.trace_id) or not any(span.span_id):
                    yield None
                    continue
                body = span.SerializeToString()
                yield Kept(span.trace_id, span.span_id, body, resource, scope)


def scope_of(kept: Kept) -> InstrumentationScope:
    scope: InstrumentationScope = InstrumentationScope.FromString(kept.scope)
    return scope


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: value(pair.value) for pair in _pairs(pairs)}


def _pairs(pairs: Any) -> Iterator[KeyValue]:
    yield from pairs


def value(any_value: AnyValue) -> Any:
    """What an attribute holds; lists and maps as their text."""
    kind = any_value.WhichOneof("value")
    if kind is None:
        return ""
    found = getattr(any_value, kind)
    return found if isinstance(found, str | bool | int | float) else str(found)


def text(held: Any) -> str:
    """An attribute's value as queries write it."""
    return str(held).lower() if isinstance(held, bool) else str(held)
