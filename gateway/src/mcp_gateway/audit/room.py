"""How much room the ledger's disk has, and what is given up before it is full.

A PostgreSQL whose disk is full stops, and does not start again before somebody frees space. So the
gateway closes in time, and keeps the last of the room for the outcomes of calls under way:

    80 %  low     said: log, metric, one record
    90 %  scarce  calls that read are refused, so that what people must write still can be
    95 %  full    no call begins

A level is left only 2 points below the mark it was entered at, or every call at the mark would
change it.
"""

import asyncio
import logging
import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import asyncpg

from mcp_gateway.audit import store
from mcp_gateway.refusals import Refusal, ledger_full

Level = Literal["enough", "low", "scarce", "full"]
Measure = Callable[[], Awaitable[float]]  # the part of the disk that is used, 0 to 1

MARKS: tuple[tuple[float, Level], ...] = ((0.95, "full"), (0.90, "scarce"), (0.80, "low"))
LEFT_BELOW = 0.02
SECONDS, NEAR_SECONDS = 10.0, 1.0  # between two looks; where there is enough room, and where not
ASK_SECONDS = 5.0
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(MiB|GiB|TiB)")
_UNITS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
# databases of others on the same server may be closed to this login; theirs is then not counted
_SIZES = """
    SELECT sum(pg_database_size(oid)) FROM pg_database
    WHERE has_database_privilege(oid, 'CONNECT')
"""

log = logging.getLogger(__name__)


def bytes_of(text: str) -> int | None:
    """`100 GiB` in bytes; None for what is no size."""
    found = SIZE.fullmatch(text.strip())
    return int(float(found[1]) * _UNITS[found[2]]) if found else None


def measure(disk: str, url: str) -> Measure:
    """How `GATEWAY_LEDGER_DISK` is read: a folder on this machine, or the size of a volume that
    only the database sees.
    """
    size = bytes_of(disk)

    async def of_folder() -> float:
        found = os.statvfs(Path(disk))
        # as df counts: what is reserved for the administrator is not there for PostgreSQL
        used = found.f_blocks - found.f_bfree
        return used / ((used + found.f_bavail) or 1)

    async def of_database() -> float:
        assert size is not None  # noqa: S101  chosen below
        connection = await asyncpg.connect(url, timeout=ASK_SECONDS)
        try:
            return float(await connection.fetchval(_SIZES, timeout=ASK_SECONDS)) / size
        finally:
            await connection.close(timeout=ASK_SECONDS)

    return of_folder if size is None else of_database


class Room:
    def __init__(
        self, used: Measure, event: Callable[[str, Mapping[str, Any]], Awaitable[None]]
    ) -> None:
        self._measure = used
        self._event = event
        self.level: Level = "enough"
        # None until a first look succeeded, and after one that failed
        self.used: float | None = None

    @property
    def closed(self) -> bool:
        return self.level == "full"

    @property
    def pause(self) -> float:
        return SECONDS if self.level == "enough" else NEAR_SECONDS

    def insist(self, kind: str) -> None:
        """Whether a call of this kind (`read` or `write`, as the policy has it) may begin.

        Raises:
            Refusal: the disk is too full for it.

        """
        if self.level == "full" or (self.level == "scarce" and kind == "read"):
            raise ledger_full(reading=self.level == "scarce")

    async def look(self) -> None:
        """Measure once, and say so when the level is another one than before."""
        try:
            self.used = await self._measure()
        except store.FAULTS as fault:
            # the level stays: a database that cannot be asked has not been emptied
            self.used = None
            log.warning("the ledger's disk cannot be measured: %s", type(fault).__name__)
            return
        before, self.level = self.level, self._level(self.used)
        if before != self.level:
            detail = {"level": self.level, "before": before, "percent": round(self.used * 100, 1)}
            log.warning("ledger disk", extra={"detail": detail})
            try:
                await self._event("ledger_disk", detail)
            except Refusal:
                log.warning("ledger disk, unrecorded", extra={"detail": detail})

    async def watch(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self.pause)

    def _level(self, used: float) -> Level:
        ranks = {"enough": 0, "low": 1, "scarce": 2, "full": 3}
        for mark, level in MARKS:
            stays = ranks[level] <= ranks[self.level]
            if used >= (mark - LEFT_BELOW if stays else mark):
                return level
        return "enough"


class Kept(Protocol):
    """Who puts calls on the record, and asks before each whether there is room."""

    room: Callable[[str], None]

    async def event(self, name: str, detail: Mapping[str, Any]) -> None: ...


async def opened(disk: str, url: str, record: Kept) -> Room | None:
    """What looks after the ledger's disk, after its first look: no call begins before it. None
    where no disk is named.
    """
    if not disk:
        return None
    room = Room(measure(disk, url), record.event)
    record.room = room.insist
    await room.look()
    return room
