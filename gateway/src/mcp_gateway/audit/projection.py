"""The searchable columns of a record, computed from its body and nothing else. Pure.

The writer stores them beside the body and the verifier computes them again, so a column can be
changed but not unnoticed. Every text is made storable here: PostgreSQL takes no NUL, and an index
takes no text without a bound.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

TEXT_LIMIT = 200  # characters; four bytes each still fit an index entry
COLUMNS = (
    "ts", "kind", "rid", "person", "subject", "agent", "method", "server", "tool",
    "decision", "reason", "status", "latency_ms", "trace",
)  # fmt: skip


def project(body: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values of `COLUMNS` for a body as it was read back: strings, numbers, no richer types."""
    get = body.get
    return (
        _instant(get("ts")),
        _text(get("kind")),
        _text(get("rid")),
        _text(get("person")),
        _text(get("sub")),
        _text(get("agent")),
        _text(get("method")),
        _text(get("server")),
        _text(get("tool")),
        _text(get("decision")),
        _text(get("reason")),
        _text(get("status")),
        _number(get("latency_ms")),
        _text(get("trace")),
    )


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    if len(value) > TEXT_LIMIT:
        value = value[:TEXT_LIMIT]
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in value else value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _instant(value: object) -> datetime | None:
    """An instant with its zone; anything else has no place on the time axis."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 2000 <= moment.year <= 2200 else None
