"""Whether what was accepted is what was meant: it looks at the arguments, never at the words.

Pure: no clock, no network, no state.
"""

from collections.abc import Mapping
from typing import Any, Literal

Verdict = Literal["correct", "accepted, but wrong", "given up"]
VERDICTS: tuple[Verdict, ...] = ("correct", "accepted, but wrong", "given up")


def judged(
    accepted: Mapping[str, Any] | None, right: Mapping[str, Any], schema: Mapping[str, Any]
) -> Verdict:
    if accepted is None:
        return "given up"
    return "correct" if _full(accepted, schema) == _full(right, schema) else "accepted, but wrong"


def _full(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """With what is meant where nothing is said; null means nothing is said."""
    known: Mapping[str, Mapping[str, Any]] = schema.get("properties") or {}
    defaults = {name: one["default"] for name, one in known.items() if "default" in one}
    return {**defaults, **{name: one for name, one in arguments.items() if one is not None}}
