"""Metrics as an export would carry them: names as they are, a value per set of attributes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint


class Readings:
    """A provider of a test's own, and what it has been told."""

    def __init__(self, provider: MeterProvider, reader: InMemoryMetricReader) -> None:
        self.provider = provider
        self._reader = reader

    def points(self) -> Iterator[tuple[str, dict[str, Any], float]]:
        """Name, attributes, and the value; of a histogram, how many were recorded."""
        data = self._reader.get_metrics_data()
        if data:
            encode_metrics(
                data
            )  # raises for what an exporter would drop, with all that is beside it
        for of_resource in data.resource_metrics if data else ():
            for scope in of_resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        value = point.value if isinstance(point, NumberDataPoint) else point.count
                        yield metric.name, dict(point.attributes or {}), value

    def of(self, name: str, **labels: str) -> list[float]:
        """Values of the series that have these labels; dots of their names are written `__`."""
        wanted = {key.replace("__", "."): value for key, value in labels.items()}
        return [
            value
            for found, attributes, value in self.points()
            if found == name and wanted.items() <= attributes.items()
        ]

    def one(self, name: str, **labels: str) -> float:
        (value,) = self.of(name, **labels)
        return value


@contextmanager
def readings() -> Iterator[Readings]:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    try:
        yield Readings(provider, reader)
    finally:
        provider.shutdown()
