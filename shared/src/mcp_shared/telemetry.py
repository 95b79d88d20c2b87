"""OpenTelemetry for every process: spans and the MCP duration histogram, exported when asked.

Names follow the generative-AI semantic conventions for MCP. Without OTEL_EXPORTER_OTLP_ENDPOINT
nothing is exported and nothing is sampled; trace ids still join logs and records.
"""

import os

from opentelemetry import metrics, trace
from opentelemetry.metrics import Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# advised by the conventions; seconds
BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


def setup(service: str) -> None:
    """Install the providers of this process, once."""
    exporting = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", service)})
    tracer_provider = TracerProvider(resource=resource)
    readers = []
    if exporting:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        tracer_provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
        _instrument()
    trace.set_tracer_provider(tracer_provider)
    metrics.set_meter_provider(MeterProvider(metric_readers=readers, resource=resource))


def _instrument() -> None:
    """Spans for what a server reaches: the database and the vendor's API."""
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    # statements are parameterised; values are not captured
    AsyncPGInstrumentor().instrument()  # type: ignore[no-untyped-call]
    HTTPXClientInstrumentor().instrument()


def operation_duration(side: str) -> Histogram:
    """`mcp.server.operation.duration` or `mcp.client.operation.duration`, in seconds."""
    return metrics.get_meter("mcp_in_production").create_histogram(
        f"mcp.{side}.operation.duration",
        unit="s",
        description="Duration of one MCP request",
        explicit_bucket_boundaries_advisory=list(BUCKETS),
    )
