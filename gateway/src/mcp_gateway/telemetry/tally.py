"""Metrics that cost a call next to nothing: attributes made once, counts that the export reads.

A combination of values is made when it first occurs and kept, so values come from registered
names only. Nothing here locks; integers are read by the exporter's thread.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping

from opentelemetry.metrics import CallbackOptions, Meter, Observation


class Attributes(dict[tuple[str | None, ...], dict[str, str]]):
    """Attributes by their values; None leaves one out."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self._names = names

    def __missing__(self, values: tuple[str | None, ...]) -> dict[str, str]:
        pairs = zip(self._names, values, strict=True)
        made = self[values] = {name: value for name, value in pairs if value is not None}
        return made


class Tally:
    """A counter by a few words."""

    def __init__(self, meter: Meter, name: str, description: str, *labels: str) -> None:
        self._counts: dict[tuple[str, ...], int] = {}
        self._attributes = Attributes(*labels)
        meter.create_observable_counter(name, [self._observed], description=description)

    def add(self, *words: str) -> None:
        self._counts[words] = self._counts.get(words, 0) + 1

    def _observed(self, _: CallbackOptions) -> Iterator[Observation]:
        for words, count in list(self._counts.items()):
            yield Observation(count, self._attributes[words])


# a bool is refused by the exporter, with everything beside it: values are made floats
Reading = Callable[[], float | None]  # None: nothing to tell now
Readings = Callable[[], Mapping[str, float]]  # by the value of one label


def gauge(meter: Meter, name: str, description: str, read: Reading, unit: str = "") -> None:
    def observed(_: CallbackOptions) -> Iterable[Observation]:
        value = read()
        return [] if value is None else [Observation(float(value))]

    meter.create_observable_gauge(name, [observed], unit=unit, description=description)


def gauges(meter: Meter, name: str, description: str, label: str, read: Readings) -> None:
    def observed(_: CallbackOptions) -> Iterable[Observation]:
        return [Observation(float(value), {label: key}) for key, value in read().items()]

    meter.create_observable_gauge(name, [observed], description=description)


def counter(meter: Meter, name: str, description: str, read: Callable[[], int]) -> None:
    """Of something that is counted anyhow."""
    meter.create_observable_counter(
        name, [lambda _: [Observation(read())]], description=description
    )
