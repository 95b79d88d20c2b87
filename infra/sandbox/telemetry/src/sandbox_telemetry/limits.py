"""How much is taken and kept, all in one place. Pure: constants with their reasons."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """The defaults fit a developer's stack; what is beyond them is refused or the oldest goes."""

    body_bytes: int = 4 * MIB  # of one request, as it arrives
    unpacked_bytes: int = 16 * MIB  # of one request, after gzip
    body_seconds: float = 10.0
    traces: int = 2_000
    spans_per_trace: int = 500
    span_bytes: int = 64 * 1024
    kept_bytes: int = 32 * MIB  # of all spans together, serialised
    series: int = 20_000
    labels_bytes: int = 4 * 1024  # of one series, names and values
    age_seconds: float = 3600.0  # of a trace since its first span, of a series since its last point
    found: int = 200  # answers of one search, and lines of the page
