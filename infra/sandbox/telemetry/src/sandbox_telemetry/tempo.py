"""Traces as Tempo answers for them: one by its id, and a search by attributes.

Ids in a trace are base64, in a search hexadecimal, as Tempo has it. TraceQL is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from sandbox_telemetry import tags, tree
from sandbox_telemetry.limits import Limits
from sandbox_telemetry.spans import Span, attributes, scope_of, text
from sandbox_telemetry.traces import Trace, Traces

TRACE_ID = re.compile(r"[0-9A-Fa-f]{1,32}")
USUAL_LIMIT = 20
TAKES = {"tags", "limit", "start", "end"}
NO_ROOT = "<root span not yet received>"


def trace_id(written: str) -> bytes:
    if TRACE_ID.fullmatch(written) is None:
        raise HTTPException(400, "A trace id is up to 32 hexadecimal digits.")
    return bytes.fromhex(written.zfill(32))


@dataclass(frozen=True)
class Tempo:
    traces: Traces
    limits: Limits

    async def trace(self, request: Request) -> JSONResponse:
        found = self.traces.get(trace_id(request.path_params["id"]))
        if found is None:
            raise HTTPException(404, "This trace is not kept here.")
        return JSONResponse({"batches": batches(found)})

    async def search(self, request: Request) -> JSONResponse:
        given = request.query_params
        if unknown := set(given) - TAKES:
            raise HTTPException(400, f"This stand-in takes {sorted(TAKES)}, not {sorted(unknown)}.")
        try:
            wanted = tags.parse(given.get("tags", ""))
            limit = min(int(given.get("limit", USUAL_LIMIT)), self.limits.found)
            since, until = int(given.get("start", 0)), int(given.get("end", 0))
        except ValueError as error:
            raise HTTPException(400, str(error)) from None
        found: list[dict[str, Any]] = []
        for trace in self.traces.latest():
            if len(found) >= limit:
                break
            spans = [kept.read() for kept in trace.spans.values()]
            first, last = tree.period(spans)
            timely = last >= since * 10**9 and (not until or first <= until * 10**9)
            if timely and any(_has(span, wanted) for span in spans):
                found.append(_summary(trace, spans))
        return JSONResponse({"traces": found, "metrics": {"inspectedTraces": len(self.traces)}})


def batches(trace: Trace) -> list[dict[str, Any]]:
    """OTLP's own JSON, but for the ids: protobuf's JSON writes bytes as base64."""
    made: dict[bytes, ResourceSpans] = {}
    groups: dict[tuple[bytes, bytes], ScopeSpans] = {}
    for kept in trace.spans.values():
        batch = made.setdefault(kept.resource, ResourceSpans())
        batch.resource.ParseFromString(kept.resource)
        group = groups.get((kept.resource, kept.scope))
        if group is None:
            group = groups[kept.resource, kept.scope] = batch.scope_spans.add(scope=scope_of(kept))
        group.spans.append(Message.FromString(kept.body))
    return [MessageToDict(batch) for batch in made.values()]


def _has(span: Span, wanted: dict[str, str]) -> bool:
    held = {"name": span.name, "status": "error" if span.failed else "ok"}
    held |= {key: text(value) for key, value in attributes(span.resource.attributes).items()}
    held |= {key: text(value) for key, value in span.attributes.items()}
    return all(held.get(key) == value for key, value in wanted.items())


def _summary(trace: Trace, spans: Sequence[Span]) -> dict[str, Any]:
    root = tree.root(spans)
    first, last = tree.period(spans)
    return {
        "traceID": trace.id.hex(),
        "rootServiceName": root.service if root else NO_ROOT,
        "rootTraceName": root.name if root else NO_ROOT,
        "startTimeUnixNano": str(first),
        "durationMs": (last - first) // 10**6,
    }
