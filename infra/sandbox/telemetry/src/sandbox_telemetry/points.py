"""OTLP metrics as Prometheus series, named as a collector names them.

Pure: no clock, no network, no state. Cumulative sums, gauges and explicit-bucket histograms; the
rest has no such series and is counted as refused.
"""

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric

from sandbox_telemetry.spans import attributes, text

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
UNITS = {
    "s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
    "min": "minutes", "h": "hours", "d": "days",
    "By": "bytes", "KiBy": "kibibytes", "MiBy": "mebibytes", "GiBy": "gibibytes",
    "KBy": "kilobytes", "MBy": "megabytes", "GBy": "gigabytes",
    "Cel": "celsius", "%": "percent",
}  # fmt: skip

Point = tuple[dict[str, str], float]  # labels with `__name__`, and the value


def points(request: ExportMetricsServiceRequest) -> Iterator[Point | None]:
    """Every series value of an export; None for a point that has none."""
    for batch in request.resource_metrics:
        target = _target(attributes(batch.resource.attributes))
        for group in batch.scope_metrics:
            for metric in group.metrics:
                yield from _of_metric(metric, target)


def name_of(metric: str, unit: str, *, counter: bool = False, gauge: bool = False) -> str:
    """`mcp.server.operation.duration` in `s` → `mcp_server_operation_duration_seconds`."""
    words = [word for word in re.split(r"[^A-Za-z0-9:]+", metric) if word]
    for suffix in _unit_words(unit, gauge=gauge):
        if suffix not in words:
            words.append(suffix)
    if counter:
        words = [word for word in words if word != "total"] + ["total"]
    name = "_".join(words)
    return f"_{name}" if name[:1].isdigit() else name


def label_name(attribute: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_]", "_", attribute)
    return f"key_{name}" if name[:1].isdigit() else name


def _unit_words(unit: str, *, gauge: bool) -> list[str]:
    if unit == "1":
        return ["ratio"] if gauge else []
    main, _, per = re.sub(r"\{[^}]*\}", "", unit).partition("/")
    spelled = [UNITS.get(main, main)] if main else []
    return spelled + (["per", UNITS.get(per, per).removesuffix("s")] if per else [])


def _target(resource: Mapping[str, Any]) -> dict[str, str]:
    service, space = (text(resource.get(f"service.{key}", "")) for key in ("name", "namespace"))
    instance = text(resource.get("service.instance.id", ""))
    job = f"{space}/{service}" if space else service
    return {key: value for key, value in (("job", job), ("instance", instance)) if value}


def _of_metric(metric: Metric, target: Mapping[str, str]) -> Iterator[Point | None]:
    match metric.WhichOneof("data"):
        case "gauge":
            name = name_of(metric.name, metric.unit, gauge=True)
            for point in metric.gauge.data_points:
                yield _labels(name, point, target), _number(point)
        case "sum" if metric.sum.aggregation_temporality == CUMULATIVE:
            name = name_of(metric.name, metric.unit, counter=metric.sum.is_monotonic)
            for point in metric.sum.data_points:
                yield _labels(name, point, target), _number(point)
        case "histogram" if metric.histogram.aggregation_temporality == CUMULATIVE:
            name = name_of(metric.name, metric.unit)
            for point in metric.histogram.data_points:
                yield from _histogram(name, point, target)
        case kind:
            found = getattr(getattr(metric, kind), "data_points", ()) if kind else ()
            yield from (None for _ in found)


def _labels(name: str, point: Any, target: Mapping[str, str]) -> dict[str, str]:
    own = {label_name(key): text(held) for key, held in attributes(point.attributes).items()}
    return {**own, **target, "__name__": name}


def _number(point: Any) -> float:
    return float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)


def _histogram(name: str, point: Any, target: Mapping[str, str]) -> Iterator[Point | None]:
    bounds = [*point.explicit_bounds, math.inf]
    if len(point.bucket_counts) != len(bounds):
        yield None
        return
    below = 0
    for bound, count in zip(bounds, point.bucket_counts, strict=True):
        below += count
        yield {**_labels(f"{name}_bucket", point, target), "le": number(bound)}, float(below)
    yield _labels(f"{name}_sum", point, target), point.sum
    yield _labels(f"{name}_count", point, target), float(point.count)


def number(value: float) -> str:
    """A number as Prometheus writes it."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if math.isnan(value):
        return "NaN"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
