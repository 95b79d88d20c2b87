"""The only place that builds things."""

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox_telemetry import prometheus
from sandbox_telemetry.intake import Intake
from sandbox_telemetry.limits import Limits
from sandbox_telemetry.pages import HERE, Pages
from sandbox_telemetry.prometheus import Prometheus
from sandbox_telemetry.series import SeriesStore
from sandbox_telemetry.tempo import Tempo
from sandbox_telemetry.traces import Traces

# a page elsewhere must not reach these by a name that it points at loopback
HOSTS = ["127.0.0.1", "localhost"]


def build(limits: Limits | None = None, clock: Callable[[], float] = time.time) -> Starlette:
    limits = limits or Limits()
    traces, series = Traces(limits, clock), SeriesStore(limits, clock)
    intake, pages = Intake(traces, series, limits), Pages(traces, limits)
    tempo, metrics = Tempo(traces, limits), Prometheus(series)

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "traces": len(traces), "series": len(series)})

    return Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/v1/traces", intake.take_traces, methods=["POST"]),
            Route("/v1/metrics", intake.take_metrics, methods=["POST"]),
            Route("/v1/logs", intake.take_logs, methods=["POST"]),
            Route("/api/traces/{id}", tempo.trace),
            Route("/api/search", tempo.search),
            Route("/api/v1/label/{label}/values", metrics.label_values),
            Route("/api/v1/series", metrics.known_series),
            Route("/api/v1/query", metrics.query),
            Route("/", pages.latest),
            Route("/trace/{id}", pages.trace),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
        exception_handlers={HTTPException: _refused},
    )


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  registered for this type alone
    if request.url.path.startswith("/api/"):
        return prometheus.refused(request, error)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)
