"""What a process would export, and the stand-in in process to send it to."""

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
from asgi import client_of
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from sandbox_telemetry.app import build
from sandbox_telemetry.limits import Limits

PROTOBUF = {"content-type": "application/x-protobuf"}
NOW = 1_800_000_000


@dataclass
class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Standin:
    """The stand-in with a clock of the test's own."""

    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=Clock)
    http: httpx2.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.http = client_of(build(self.limits, self.clock), "http://127.0.0.1:4318")

    async def send(self, request: Any, path: str, *, zipped: bool = False) -> httpx2.Response:
        content = request.SerializeToString()
        headers = PROTOBUF | ({"content-encoding": "gzip"} if zipped else {})
        content = gzip.compress(content) if zipped else content
        return await self.http.post(path, content=content, headers=headers)

    async def spans(self, *spans: Span, service: str = "gateway", zipped: bool = False) -> int:
        """How many of them were refused."""
        answer = await self.send(trace_request(spans, service), "/v1/traces", zipped=zipped)
        assert answer.status_code == 200, answer.text
        said = ExportTraceServiceResponse.FromString(answer.content)
        return int(said.partial_success.rejected_spans)

    async def metrics(self, *metrics: Metric, service: str = "gateway") -> int:
        """How many of their points were refused."""
        request = ExportMetricsServiceRequest()
        batch = request.resource_metrics.add(resource=resource(service))
        batch.scope_metrics.add().metrics.extend(metrics)
        answer = await self.send(request, "/v1/metrics")
        assert answer.status_code == 200, answer.text
        said = ExportMetricsServiceResponse.FromString(answer.content)
        return int(said.partial_success.rejected_data_points)

    async def json(self, path: str, **params: str) -> Any:
        answer = await self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def kept(self) -> list[str]:
        """The ids of all traces, the latest first."""
        found = await self.json("/api/search", limit="1000")
        return [one["traceID"] for one in found["traces"]]


def trace_request(spans: Sequence[Span], service: str) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    batch = request.resource_spans.add(resource=resource(service))
    batch.scope_spans.add().spans.extend(spans)
    return request


def resource(service: str) -> Resource:
    return Resource(attributes=pairs({"service.name": service}))


def pairs(attributes: Mapping[str, Any]) -> list[KeyValue]:
    made = []
    for key, value in attributes.items():
        pair = KeyValue(key=key)
        match value:
            case bool():
                pair.value.bool_value = value
            case int():
                pair.value.int_value = value
            case float():
                pair.value.double_value = value
            case _:
                pair.value.string_value = str(value)
        made.append(pair)
    return made


def span(
    trace: int = 1,
    number: int = 1,
    *,
    parent: int = 0,
    name: str = "tools/call crm_get_account",
    ms: tuple[int, int] = (0, 10),
    failed: bool = False,
    **attributes: Any,
) -> Span:
    """Attributes with `__` for a dot, because keywords have none."""
    start, end = (NOW * 10**9 + one * 10**6 for one in ms)
    code = Status.STATUS_CODE_ERROR if failed else Status.STATUS_CODE_UNSET
    return Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=number.to_bytes(8, "big"),
        parent_span_id=parent.to_bytes(8, "big") if parent else b"",
        name=name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=start,
        end_time_unix_nano=end,
        status=Status(code=code),
        attributes=pairs({key.replace("__", "."): value for key, value in attributes.items()}),
    )


def counter(name: str, value: int, unit: str = "", **attributes: Any) -> Metric:
    metric = Metric(name=name, unit=unit)
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    named = {key.replace("__", "."): text for key, text in attributes.items()}
    metric.sum.data_points.add(as_int=value, attributes=pairs(named))
    return metric


def histogram(
    name: str, counts: Sequence[int], bounds: Sequence[float], **attributes: Any
) -> Metric:
    metric = Metric(name=name, unit="s")
    metric.histogram.aggregation_temporality = (
        AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    )
    named = {key.replace("__", "."): text for key, text in attributes.items()}
    metric.histogram.data_points.add(
        count=sum(counts), sum=1.5, bucket_counts=counts, explicit_bounds=bounds,
        attributes=pairs(named),
    )  # fmt: skip
    return metric
