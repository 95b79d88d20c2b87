"""OpenTelemetry for every process: spans and the MCP duration histogram, exported when asked.

Names follow the generative-AI semantic conventions for MCP. Without OTEL_EXPORTER_OTLP_ENDPOINT
nothing is exported and nothing is sampled; trace ids still join logs and records. A collector that
is away costs no call: what it does not take is dropped.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind

from mcp_shared.redact import Discreet

# advised by the conventions; seconds
BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
FAREWELL_SECONDS = 2.0  # for what is queued when the process ends

# On spans alone, never on metrics. The conventions have no name for a call's id.
PERSON = "enduser.id"  # the username, as in the ledger
AGENT = "gen_ai.agent.id"  # the client they use, by its OAuth client id
CALL = "mcp_gateway.call.id"  # joins span, log line and record
STATUS = "mcp_gateway.status"  # how the call ended, as in the ledger


def setup(service: str) -> None:
    """Install the providers of this process, once."""
    # an example beside each bucket of a histogram: nobody reads them here
    os.environ.setdefault("OTEL_METRICS_EXEMPLAR_FILTER", "always_off")
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", service)})
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        trace.set_tracer_provider(TracerProvider(resource=resource))
        metrics.set_meter_provider(MeterProvider(resource=resource))
        return
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    spans, points = OTLPSpanExporter(), OTLPMetricExporter()
    tracing = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracing.add_span_processor(BatchSpanProcessor(Discreet(spans)))
    measuring = MeterProvider(
        [PeriodicExportingMetricReader(points)], resource, shutdown_on_exit=False
    )
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(measuring)
    _flush_at_exit(tracing, measuring, spans, points)


def _flush_at_exit(tracing: TracerProvider, measuring: MeterProvider, *exporters: Any) -> None:
    def give_up() -> None:
        for exporter in exporters:
            exporter.shutdown()

    def farewell() -> None:
        ending = threading.Timer(FAREWELL_SECONDS, give_up)
        ending.daemon = True
        ending.start()
        tracing.shutdown()
        measuring.shutdown()
        ending.cancel()

    atexit.register(farewell)
    # uvicorn shuts down first, then raises the signal again: as an exit, not as a sudden end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def instrument() -> None:
    """Spans for what a server reaches: the database and the vendor's API."""
    if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        return
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    HTTPXClientInstrumentor().instrument()


@contextmanager
def one_span(name: str, **attributes: str) -> Iterator[None]:
    """One span for everything inside: where statements or addresses are the caller's own words."""
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    tracer = trace.get_tracer("mcp_shared")
    with (
        tracer.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=attributes),
        suppress_instrumentation(),
    ):
        yield


def operation_duration(side: str, meter: Meter | None = None) -> Histogram:
    """`mcp.server.operation.duration` or `mcp.client.operation.duration`, in seconds."""
    return (meter or metrics.get_meter("mcp_in_production")).create_histogram(
        f"mcp.{side}.operation.duration",
        unit="s",
        description="Duration of one MCP request",
        explicit_bucket_boundaries_advisory=list(BUCKETS),
    )
