"""Text that callers chose, made safe to look at. Pure: no clock, no network, no state.

Escaped, and everything that steers a line instead of standing in it (control, bidirectional,
zero-width and unassigned characters, unusual spaces) is shown as its code point.
"""

import json
import unicodedata
from typing import Any

import orjson
from markupsafe import Markup, escape

SHOWN_CHARACTERS = 100_000  # a record's body is at most 65 536 bytes
# printable by their category, and still nothing to see (Default_Ignorable_Code_Point)
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800") | {
    chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}


def visible(value: object, *, lines: bool = False) -> Markup:
    """One line of text; with `lines`, line feeds are kept."""
    text = "" if value is None else str(value)
    text = text[:SHOWN_CHARACTERS]
    if text.isprintable() and _UNSEEN.isdisjoint(text):
        return escape(text)
    return Markup().join(_shown(c, lines) for c in text)


def _shown(character: str, lines: bool) -> Markup:
    if character == "\n" and lines:
        return Markup("\n")
    if character.isprintable() and character not in _UNSEEN:
        return escape(character)
    name = unicodedata.name(character, "control or unassigned character")
    return Markup('<span class="codepoint" title="{}">U+{:04X}</span>').format(
        name.lower(), ord(character)
    )


def plain(value: object) -> str:
    """The same as text alone, for an attribute."""
    return "".join(
        c if c.isprintable() and c not in _UNSEEN else f"U+{ord(c):04X}" for c in str(value)
    )


def document(value: Any) -> Markup:
    """A JSON value over several lines."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except (TypeError, ValueError):
        text = json.dumps(value, indent=2, default=str)
    return visible(text, lines=True)
