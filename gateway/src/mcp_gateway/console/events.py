"""What a list says of an event: who, and about what. Pure: no clock, no network, no state."""

from collections.abc import Mapping
from typing import Any

import orjson

MOST_CHARACTERS = 200
WHO = ("by", "person")  # of a detail, beside the record's own person
NOT_TOLD = frozenset({*WHO, "sub"})


def told(raw: bytes) -> tuple[str, str]:
    """Nothing of a body that is no event; the record itself shows what it is."""
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    detail = body.get("detail")
    if not isinstance(detail, dict):
        detail = {}
    named = [detail.get(name) for name in WHO]
    who = next((one for one in (*named, body.get("person"), body.get("replica")) if one), "")
    return str(who), _about(detail)


def _about(detail: Mapping[str, Any]) -> str:
    parts = [
        f"{name} {_shown(value)}"
        for name, value in detail.items()
        if name not in NOT_TOLD and value not in (None, "", 0, [], {})
    ]
    text = ", ".join(parts)
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return (
        value.replace("\n", "; ")
        if isinstance(value, str)
        else orjson.dumps(value, default=str).decode()
    )
