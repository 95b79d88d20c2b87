"""What a page's address asks for, checked. Pure: no clock, no network, no state."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode
from uuid import UUID

from starlette.datastructures import QueryParams

Window = Literal["1h", "24h", "7d", "30d"]
Show = Literal["calls", "events"]

WINDOWS: dict[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
OVERVIEW_WINDOWS = ("1h", "24h", "7d")  # percentiles over a month are Grafana's
DECISIONS = ("allow", "deny", "limit", "error")
# `open` is ours: an intent whose outcome is not there
STATUSES = ("ok", "tool_error", "failed", "cancelled", "unknown", "refused", "open")
SHOWS = ("calls", "events")
TEXT_CHARACTERS = 200

_TRACE = re.compile(r"[0-9a-f]{32}")
_PLACE = re.compile(
    r"(\d{1,16})~([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})~(\d{1,18})", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class WantedError(ValueError):
    """The address asks for something this page does not have; the text says what it has."""


@dataclass(frozen=True, slots=True)
class Place:
    """A record's place in the list, newest first."""

    ts: datetime
    segment: UUID
    seq: int

    def __str__(self) -> str:
        return f"{(self.ts - _EPOCH) // _MICROSECOND}~{self.segment}~{self.seq}"


@dataclass(frozen=True, slots=True)
class Wanted:
    window: str = "24h"
    show: str = "calls"
    person: str = ""
    tool: str = ""
    decision: str = ""
    status: str = ""
    id: str = ""
    before: Place | None = None

    @property
    def trace(self) -> str:
        return self.id if _TRACE.fullmatch(self.id) else ""

    @property
    def call(self) -> str:
        return "" if self.trace else self.id

    @property
    def narrowed(self) -> bool:
        return bool(self.person or self.tool or self.decision or self.status or self.id)

    def query(self, before: Place | None = None) -> str:
        """The same question as an address, from another place on."""
        said = {
            "window": self.window,
            "show": self.show if self.show != "calls" else "",
            "person": self.person,
            "tool": self.tool,
            "decision": self.decision,
            "status": self.status,
            "id": self.id,
            "before": str(before) if before else "",
        }
        return "?" + urlencode({name: value for name, value in said.items() if value})


def wanted(query: QueryParams) -> Wanted:
    """The question a list of calls answers.

    Raises:
        WantedError: a choice that is none of its choices, or an id that is none.

    """
    found = _text(query, "id").lower()
    if found and not _TRACE.fullmatch(found) and not _is_uuid(found):
        raise WantedError("An id is a call id (a UUID) or a trace id (32 hexadecimal digits).")
    return Wanted(
        window=_choice(query, "window", tuple(WINDOWS), "24h"),
        show=_choice(query, "show", SHOWS, "calls"),
        person=_text(query, "person"),
        tool=_text(query, "tool"),
        decision=_choice(query, "decision", DECISIONS, ""),
        status=_choice(query, "status", STATUSES, ""),
        id=found,
        before=_place(_text(query, "before")),
    )


def window_of(query: QueryParams) -> str:
    return _choice(query, "window", OVERVIEW_WINDOWS, "24h")


def _text(query: QueryParams, name: str) -> str:
    value = query.get(name, "").strip()
    if len(value) > TEXT_CHARACTERS or "\0" in value:
        raise WantedError(f"{name} is a text of at most {TEXT_CHARACTERS} characters.")
    return value


def _choice(query: QueryParams, name: str, choices: tuple[str, ...], default: str) -> str:
    value = query.get(name, "")
    if not value:
        return default
    if value not in choices:
        raise WantedError(f"{name} is one of {', '.join(choices)}.")
    return value


def _place(value: str) -> Place | None:
    if not value:
        return None
    found = _PLACE.fullmatch(value)
    if found is None:
        raise WantedError("This page of the list does not exist.")
    return Place(_EPOCH + timedelta(microseconds=int(found[1])), UUID(found[2]), int(found[3]))


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False
