"""What the columns of a result are called and hold, told from the values. Pure."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Literal

Kind = Literal["integer", "number", "boolean", "date", "timestamp", "text"]
Rows = Sequence[Sequence[Any]]

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?")
_LARGEST = 2**63


def names(columns: Sequence[str]) -> list[str]:
    """As they are, but each once: SQL may give two columns one name, a file may not."""
    found: list[str] = []
    for name in columns:
        unique, count = name, 1
        while unique in found:
            count += 1
            unique = f"{name}_{count}"
        found.append(unique)
    return found


def kinds(width: int, rows: Rows) -> list[Kind]:
    return [_kind([row[at] for row in rows if row[at] is not None]) for at in range(width)]


def _kind(values: list[Any]) -> Kind:
    checks: tuple[tuple[Kind, Callable[[Any], bool]], ...] = (
        ("boolean", lambda one: isinstance(one, bool)),
        ("integer", _whole),
        ("number", lambda one: _whole(one) or isinstance(one, float)),
        ("date", lambda one: isinstance(one, str) and bool(_DATE.fullmatch(one))),
        ("timestamp", lambda one: isinstance(one, str) and bool(_TIMESTAMP.fullmatch(one))),
    )
    for kind, check in checks if values else ():
        if all(map(check, values)) and _reads(kind, values):
            return kind
    return "text"


def _whole(one: Any) -> bool:
    return isinstance(one, int) and not isinstance(one, bool) and -_LARGEST <= one < _LARGEST


def _reads(kind: Kind, values: list[Any]) -> bool:
    """A text may look like a day and be none."""
    try:
        for value in values if kind in ("date", "timestamp") else ():
            typed(kind, value)
    except ValueError:
        return False
    return True


def typed(kind: Kind, value: Any) -> Any:
    """The value as a column of this kind holds it."""
    if value is None:
        return None
    match kind:
        case "date":
            return date.fromisoformat(value)
        case "timestamp":
            return datetime.fromisoformat(value)
        case "number":
            return float(value)
        case "text":
            return written(value)
        case _:
            return value


def written(value: Any) -> str:
    """As text, the way JSON writes it, but for texts themselves."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
