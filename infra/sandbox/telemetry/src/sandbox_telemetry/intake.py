"""OTLP over HTTP: `/v1/traces`, `/v1/metrics`, `/v1/logs`.

What is not kept is said in the answer, as partial success. Logs are checked and dropped: every
process writes its own to stderr.
"""

from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace
from starlette.requests import Request
from starlette.responses import Response

from sandbox_telemetry import body
from sandbox_telemetry.limits import Limits
from sandbox_telemetry.points import points
from sandbox_telemetry.series import SeriesStore
from sandbox_telemetry.spans import spans
from sandbox_telemetry.traces import Traces


@dataclass(frozen=True)
class Intake:
    traces: Traces
    series: SeriesStore
    limits: Limits

    async def take_traces(self, request: Request) -> Response:
        sent = await body.message(request, trace.ExportTraceServiceRequest.FromString, self.limits)
        answer = trace.ExportTraceServiceResponse()
        refused = sum(one is None or not self.traces.add(one) for one in spans(sent))
        if refused:
            answer.partial_success.rejected_spans = refused
            answer.partial_success.error_message = "ids missing, too large, or too many in a trace"
        return Response(answer.SerializeToString(), media_type=body.PROTOBUF)

    async def take_metrics(self, request: Request) -> Response:
        sent = await body.message(
            request, metrics.ExportMetricsServiceRequest.FromString, self.limits
        )
        answer = metrics.ExportMetricsServiceResponse()
        refused = sum(one is None or not self.series.set(*one) for one in points(sent))
        if refused:
            answer.partial_success.rejected_data_points = refused
            answer.partial_success.error_message = "no cumulative sum, gauge or plain histogram"
        return Response(answer.SerializeToString(), media_type=body.PROTOBUF)

    async def take_logs(self, request: Request) -> Response:
        await body.message(request, logs.ExportLogsServiceRequest.FromString, self.limits)
        answer = logs.ExportLogsServiceResponse()
        return Response(answer.SerializeToString(), media_type=body.PROTOBUF)
