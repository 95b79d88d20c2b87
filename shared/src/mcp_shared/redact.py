"""What leaves the process in a span: names, times and codes; no value that somebody sent.

Statements lose their literals, addresses their queries and ids, failures their words. Pure: no
clock, no network, no state.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Status

STATEMENTS = frozenset({"db.statement", "db.query.text"})
ADDRESSES = frozenset({"http.url", "url.full", "http.target", "url.path"})
LEFT_OUT = frozenset(
    {"db.statement.parameters", "url.query", "exception.message", "exception.stacktrace"}
)
TELLING = STATEMENTS | ADDRESSES | LEFT_OUT

_COMMENT = r"--[^\n]*|/\*(?:(?!/\*).)*?\*/|/\*.*\Z"  # with another inside: all that follows
_LITERAL = r"""
    (?<!\w)[eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)        # E'…' with backslashes
    | (?:\b[bBxXnN]|\b[uU]&)?'(?:[^']|'')*(?:'|\Z)
    | \$\$.*?(?:\$\$|\Z)
    | \$(?P<tag>[^\W\d]\w*)\$.*?(?:\$(?P=tag)\$|\Z)
    | (?<![\w$])\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?
"""
_NAME = r'"[A-Za-z_]\w{0,62}"|\$\d+'  # kept: an identifier, a parameter
_QUOTED = r'"(?:[^"]|"")*(?:"|\Z)'  # an identifier that may be a sentence
_TOKENS = re.compile(
    f"(?P<comment>{_COMMENT})|(?P<name>{_NAME})|(?P<literal>{_QUOTED}|{_LITERAL})",
    re.DOTALL | re.VERBOSE,
)
_WORD = re.compile(r"[a-z]{1,20}|\d{4}-\d{2}")  # of a path: a collection, or a dated version


class Discreet(SpanExporter):
    """Stands before every exporter of spans."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([discreet(span) for span in spans])

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


def discreet(span: ReadableSpan) -> ReadableSpan:
    """The span without values; itself when it has none."""
    held = span.attributes or {}
    if TELLING.isdisjoint(held) and not span.events and not span.status.description:
        return span
    attributes = _discreet(held)
    statement = next((str(attributes[key]) for key in STATEMENTS & attributes.keys()), None)
    return ReadableSpan(
        name=span.name if statement is None else operation(statement),
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[
            Event(one.name, _discreet(one.attributes or {}), one.timestamp) for one in span.events
        ],
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _discreet(held: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in held.items() if key not in LEFT_OUT}
    made |= {key: without_literals(str(made[key])) for key in STATEMENTS & made.keys()}
    return made | {key: without_ids(str(made[key])) for key in ADDRESSES & made.keys()}


@lru_cache(maxsize=256)  # a server has a few dozen statements
def without_literals(statement: str) -> str:
    """SQL with `?` for every literal and without comments; what is cut off counts as literal."""

    def shown(found: re.Match[str]) -> str:
        if found["comment"] is not None:
            return " "
        return found["name"] if found["name"] is not None else "?"

    return " ".join(_TOKENS.sub(shown, statement).split())


def operation(statement: str) -> str:
    """`SELECT`, `BEGIN`: the name of a statement's span."""
    first = re.match(r"[A-Za-z]+", statement)
    return first[0].upper() if first else "SQL"


def without_ids(address: str) -> str:
    """An address with `*` for every part of its path that is no plain word, and no query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return "*"
    path = "/".join(
        one if not one or _WORD.fullmatch(one) else "*" for one in parts.path.split("/")
    )
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{path}" if host else path
