"""Plain PromQL selectors: a name, and labels that equal a text. Anything else is refused by name.

Pure: no clock, no network, no state.
"""

import re
from collections.abc import Iterator

NAME = re.compile(r"\s*([A-Za-z_:][A-Za-z0-9_:]*)\s*")
BRACE = re.compile(r"\s*\{")
MATCHER = re.compile(
    r"""\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)')\s*"""
)
END = re.compile(r"\s*\}\s*$")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
MOST = 2_000  # characters
TAKES = 'This stand-in takes plain selectors, for example up{job="gateway"}'


class NotPlainError(ValueError):
    """A query that needs more than this stand-in has."""


def parse(query: str) -> dict[str, str]:
    """Label → text, the metric's name as `__name__`.

    Raises:
        NotPlainError: operators, functions, ranges, other matchers, or no selector at all.

    """
    if len(query) > MOST:
        raise NotPlainError(f"{TAKES}; this one has {len(query)} characters.")
    wanted: dict[str, str] = {}
    at = 0
    if found := NAME.match(query):
        wanted["__name__"] = found[1]
        at = found.end()
    if brace := BRACE.match(query, at):
        for name, value in _matchers(query, brace.end()):
            if wanted.setdefault(name, value) != value:
                raise NotPlainError(f"{TAKES}; {name} is asked for with two values.")
    elif query[at:].strip():
        raise NotPlainError(f"{TAKES}; it stops at {query[at : at + 20]!r}.")
    if not any(wanted.values()):
        raise NotPlainError(f"{TAKES}; nothing is selected.")
    return wanted


def _matchers(query: str, at: int) -> Iterator[tuple[str, str]]:
    while not END.match(query, at):
        found = MATCHER.match(query, at)
        if found is None:
            raise NotPlainError(f"{TAKES}; it stops at {query[at : at + 20]!r}.")
        yield found[1], _unescaped(found[2] if found[2] is not None else found[3])
        at = found.end()
        if query[at : at + 1] == ",":
            at += 1
        elif not END.match(query, at):
            raise NotPlainError(f"{TAKES}; it stops at {query[at : at + 20]!r}.")


def _unescaped(written: str) -> str:
    return re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), written)
