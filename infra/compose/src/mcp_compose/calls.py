"""The governed calls, through the proxy of the stack in containers, as real people."""

import asyncio
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mcp_local.governed import Call, calls_of, make
from mcp_local.place import Place
from mcp_local.plan import Plan

PATIENCE_SECONDS = 900  # the first start builds a database and imports a realm
ASK_SECONDS = 5
PAUSE_SECONDS = 2


class NotReadyError(RuntimeError):
    """What did not answer in time."""


def await_ready(place: Place, authority: Path) -> None:
    """Both public addresses answer, as a client that trusts the stack's authority would see it."""
    trusting = ssl.create_default_context(cafile=str(authority))
    deadline = time.monotonic() + PATIENCE_SECONDS
    for url in (f"{place.gateway}/readyz", place.issuer):
        while (said := _answer(url, trusting)) is not None:
            if time.monotonic() > deadline:
                raise NotReadyError(f"{url}: {said}")
            time.sleep(PAUSE_SECONDS)


def _answer(url: str, trusting: ssl.SSLContext) -> str | None:
    """None when it answers 200."""
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting)
    )
    try:
        with opener.open(url, timeout=ASK_SECONDS):
            return None
    except (OSError, urllib.error.URLError) as error:
        return str(error)


def made(stack: Plan, place: Place, password: Path) -> Iterator[tuple[bool, str]]:
    """For each, whether it went as its demo.toml says, and a line to show."""
    calls = [call for server in stack.servers() for call in calls_of(server)]
    endpoint = f"{place.issuer}/protocol/openid-connect/token"
    outcomes = asyncio.run(make(calls, f"{place.gateway}/mcp", endpoint, password))
    for one in outcomes:
        record = one.record or "no receipt"
        name = f"{one.call.server}_{one.call.tool}"
        line = f"{one.call.person:5} {name:32} {one.decision:8} {record} {one.note}"
        yield one.as_expected, line.rstrip()


@dataclass(frozen=True)
class Reads:
    """How one read went that was made many times, and once more where it was not answered."""

    count: int
    repeated: int
    lost: int
    seconds: float
    said: str  # of the first that was not answered

    def __str__(self) -> str:
        told = f"{self.count - self.repeated} of {self.count} reads answered at once"
        if self.repeated:
            told += f", {self.repeated - self.lost} of {self.repeated} when repeated ({self.said})"
        return told


def allowed(stack: Plan) -> list[Call]:
    """What a demo.toml expects to be answered."""
    return [c for server in stack.servers() for c in calls_of(server) if c.expect == "allowed"]


def reads(call: Call, place: Place, password: Path, count: int) -> Reads:
    endpoint = f"{place.issuer}/protocol/openid-connect/token"

    def failed(times: int) -> list[str]:
        outcomes = asyncio.run(make([call] * times, f"{place.gateway}/mcp", endpoint, password))
        return [one.note or one.decision for one in outcomes if not one.as_expected]

    begun = time.monotonic()
    first = failed(count)
    seconds = time.monotonic() - begun
    return Reads(count, len(first), len(failed(len(first))), seconds, first[0] if first else "")
