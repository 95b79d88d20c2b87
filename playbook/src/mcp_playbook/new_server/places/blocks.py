"""Pieces of text put into a file that people keep, and taken out again; the rest stays. Pure."""

import re

UPSTREAMS = "GATEWAY_UPSTREAMS"


class PlaceError(ValueError):
    """A file written in a way this does not understand; the text says which place is missing."""


def before(text: str, pattern: str, piece: str) -> str:
    """`piece` in front of the first match."""
    return _at(text, pattern, piece, end=False)


def behind(text: str, pattern: str, piece: str) -> str:
    """`piece` behind the first match."""
    return _at(text, pattern, piece, end=True)


def _at(text: str, pattern: str, piece: str, *, end: bool) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise PlaceError(f"no place {pattern!r}")
    place = found.end() if end else found.start()
    return text[:place] + piece + text[place:]


def without(text: str, header: str) -> str:
    """The text without the block under `header`: its deeper lines, and the empty line before it."""
    lines = text.splitlines(keepends=True)
    at = next((n for n, line in enumerate(lines) if line.rstrip().startswith(header)), None)
    if at is None:
        return text
    depth = len(header) - len(header.lstrip())
    end = at + 1
    while end < len(lines) and _belongs(lines[end], depth):
        end += 1
    while end > at + 1 and not lines[end - 1].strip():
        end -= 1
    start = at - 1 if at and not lines[at - 1].strip() else at
    return "".join(lines[:start] + lines[end:])


def _belongs(line: str, depth: int) -> bool:
    return not line.strip() or len(line) - len(line.lstrip()) > depth


def without_table(text: str, header: str) -> str:
    """A TOML text without the table `[header]`, and the empty line before it."""
    pattern = rf"\n*^\[{re.escape(header)}\][^\n]*\n(?:(?!\[|#)[^\n]*\S[^\n]*\n)*"
    return re.sub(pattern, "\n", text, count=1, flags=re.MULTILINE).rstrip("\n") + "\n"


def upstream(text: str, name: str, address: str) -> str:
    """One entry more in the JSON object of GATEWAY_UPSTREAMS."""
    place = text.find("}", text.find(UPSTREAMS))
    if UPSTREAMS not in text or place < 0:
        raise PlaceError(f"no {UPSTREAMS}")
    return f'{text[:place]}, "{name}": "{address}"{text[place:]}'


def without_upstream(text: str, name: str) -> str:
    return re.sub(rf',\s*"{re.escape(name)}": "[^"]*"', "", text, count=1)
