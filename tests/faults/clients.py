"""The callers, and what each of them saw: the journal that everything else is held against.

A caller that got nothing knows nothing, and so may we; a caller that got an answer must find it on
the record.
"""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bench import asking

RECEIPT = "dev.mcp-in-production/audit"
LEDGER_DOWN = -31503
ANSWER_SECONDS = 12.0  # two waits of the ledger, the call, and a gateway stopped for a while
PAUSE_SECONDS = 0.02  # before the next attempt at a gateway that is not there
FIRST_NUMBER, FIRST_CALL = 100_000, 100_000_000_000
EACH = 16  # every so many calls one is denied, and one has arguments that are hard to record
Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Seen = Literal["answer", "denied", "unavailable", "nothing"]


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    seen: Seen
    receipt: Any = None
    said: str = ""


@dataclass(frozen=True)
class Door:
    """A gateway's port, and what is asked there: a good call; a tool that is not there for this
    person; arguments with a number that plain JSON encoders refuse.
    """

    port: int
    good: bytes
    denied: bytes
    awkward: bytes

    def request(self, number: int) -> bytes:
        return {0: self.denied, EACH // 2: self.awkward}.get(number % EACH, self.good)


@dataclass
class Clients:
    """`doors` lead to the gateways; callers take turns among them."""

    doors: Sequence[Door]
    journal: list[Line] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_NUMBER))

    def count(self, seen: Seen) -> int:
        return sum(1 for line in self.journal if line.seen == seen)

    async def call_until(self, stop: asyncio.Event, callers: int) -> None:
        await asyncio.gather(*(self._caller(number, stop) for number in range(callers)))

    async def _caller(self, own: int, stop: asyncio.Event) -> None:
        links: dict[int, Link] = {}
        try:
            for turn in itertools.count(own):
                if stop.is_set():
                    return
                which = turn % len(self.doors)
                line = await self._call(which, links)
                if line is not None:
                    self.journal.append(line)
                if line is None or line.seen in ("nothing", "unavailable"):
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)
        finally:
            for link in links.values():
                link[1].transport.abort()

    async def _call(self, which: int, links: dict[int, Link]) -> Line | None:
        """None when nothing was sent."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if which not in links:
                    port = self.doors[which].port
                    links[which] = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, TimeoutError):
            return None
        number = next(self._numbers)
        request = self.doors[which].request(number)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await _ask(*links[which], request, number)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, ValueError):
            links.pop(which)[1].transport.abort()
            return Line(number, "nothing")


async def _ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, number: int
) -> Line:
    writer.write(asking.filled(request, FIRST_CALL + number, number))
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    [length] = [int(one[15:]) for one in lines if one.startswith(b"content-length:")]
    body = await reader.readexactly(length)
    try:
        return read(number, json.loads(body))
    except ValueError:  # not the protocol's, but the caller has seen it
        return Line(number, "denied", None, lines[0].decode())


def read(number: int, message: Any) -> Line:
    """What a caller holds in its hands, and the receipt that came with it."""
    error = message.get("error")
    if error is None:
        result = message["result"]
        receipt = result.get("_meta", {}).get(RECEIPT)
        return Line(number, "answer", receipt, "error" if result.get("isError") else "ok")
    if error.get("code") == LEDGER_DOWN:
        return Line(number, "unavailable", None, error.get("message", ""))
    receipt = (error.get("data") or {}).get(RECEIPT)
    return Line(number, "denied", receipt, f"{error.get('code')} {error.get('message')}")
