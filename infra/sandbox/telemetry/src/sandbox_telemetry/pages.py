"""Two pages for people: the latest traces, and one trace as a waterfall. No script, no form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse

from sandbox_telemetry import tree
from sandbox_telemetry.limits import Limits
from sandbox_telemetry.spans import Span
from sandbox_telemetry.tempo import trace_id
from sandbox_telemetry.traces import Trace, Traces

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
FRESH_ROWS = 50


@dataclass(frozen=True)
class Line:
    """One trace in the list."""

    id: str
    time: str
    name: str
    service: str
    person: str
    ms: float
    status: str
    spans: int


class Pages:
    def __init__(self, traces: Traces, limits: Limits) -> None:
        self._traces = traces
        self._limits = limits
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )

    async def latest(self, _: Request) -> HTMLResponse:
        lines = [line(trace) for trace in islice(self._traces.latest(), FRESH_ROWS)]
        return self._page("traces.html", lines=lines, kept=len(self._traces), limits=self._limits)

    async def trace(self, request: Request) -> HTMLResponse:
        found = self._traces.get(trace_id(request.path_params["id"]))
        if found is None:
            raise HTTPException(404, "This trace is not kept here.")
        spans = read(found)
        rows = list(tree.rows(spans))
        return self._page("trace.html", trace=line(found), rows=rows, left_out=found.left_out)

    def _page(self, name: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(self._templates.get_template(name).render(**values), headers=HEADERS)


def read(trace: Trace) -> Sequence[Span]:
    return [kept.read() for kept in trace.spans.values()]


def line(trace: Trace) -> Line:
    spans = read(trace)
    top = tree.top(spans)
    return Line(
        id=trace.id.hex(),
        time=_time(top.start),
        name=top.name,
        service=top.service,
        person=_person(str(top.attributes.get("enduser.id", ""))),
        ms=(top.end - top.start) / 1e6,
        status=_status(top),
        spans=len(spans),
    )


def _person(name: str) -> str:
    """The gateway asks servers for their definitions under its own name, which is its URL."""
    return "(the gateway itself)" if name.startswith("service-account-http") else name


def _status(top: Span) -> str:
    """How the call ended, in the gateway's word for it where it says one."""
    if top.failed:
        return str(top.attributes.get("error.type", "error"))
    return str(top.attributes.get("mcp_gateway.status", "ok"))


def _time(nanoseconds: int) -> str:
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "?"
