"""Which of a schema's bounds became tighter or looser.

Pure: no clock, no network, no state.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
WHOLE = ("pattern", "format", "multipleOf", "const", "uniqueItems")


def narrowed(old: Schema, new: Schema) -> Iterator[tuple[bool, str]]:
    """Each bound that is another: whether it is tighter, and the sentence."""
    for key in (*LOWER, *UPPER):
        was, now = old.get(key), new.get(key)
        if was == now:
            continue
        yield _tighter(key, was, now), _moved(key, was, now)
    for key in WHOLE:
        was, now = old.get(key), new.get(key)
        if was != now:
            yield now is not None, _moved(key, was, now)
    yield from _choices(old.get("enum"), new.get("enum"))
    was_open, now_open = (one.get("additionalProperties", True) is not False for one in (old, new))
    if was_open != now_open:
        yield was_open, f"unknown keys are {'refused' if was_open else 'taken'} now"


def _tighter(key: str, was: Any, now: Any) -> bool:
    if was is None or now is None:
        return was is None
    return bool((now > was) == (key in LOWER))


def _choices(was: Any, now: Any) -> Iterator[tuple[bool, str]]:
    if was == now:
        return
    if not isinstance(was, list) or not isinstance(now, list):
        limited = isinstance(now, list)
        yield limited, f"limited to {_listed(now)}" if limited else "no longer limited to choices"
        return
    if gone := [one for one in was if one not in now]:
        yield True, f"no longer takes {_listed(gone)}"
    if come := [one for one in now if one not in was]:
        yield False, f"takes {_listed(come)}, too"


def types(old: Schema, new: Schema) -> tuple[bool, bool, str] | None:
    """Whether types were lost, whether some were gained, and the sentence; no type takes all."""
    was, now = _kinds(old), _kinds(new)
    if was == now:
        return None
    lost = bool(now) and (not was or not was <= now)
    gained = bool(was) and (not now or not now <= was)
    return lost, gained, f"type {_listed(was)} → {_listed(now)}"


def _kinds(schema: Schema) -> set[str]:
    kind = schema.get("type")
    found = {kind} if isinstance(kind, str) else set(kind or ())
    return found | {"integer"} if "number" in found else found


def _moved(key: str, was: Any, now: Any) -> str:
    if was is None:
        return f"{key} {now!r} added"
    return f"{key} {was!r} removed" if now is None else f"{key} {was!r} → {now!r}"


def _listed(values: Any) -> str:
    ordered = sorted(map(str, values)) if isinstance(values, set) else list(map(repr, values))
    return ", ".join(ordered) or "anything"
