"""Writes the ledger's growth to a place its database's owner cannot write to, as signed notes.

One gateway does it at a time, whoever holds the lock; another takes over when its session ends.
The place away: calls go on, nothing is held in memory, and the next checkpoint that succeeds
covers all that has been written by then. Until then only callers' receipts do, and `age` says for
how long. Opening the place and writing to it may block, so both happen in a thread.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit
from uuid import UUID

from mcp_gateway.audit.checkpoints import entry as checkpoint_entry
from mcp_gateway.audit.checkpoints import heads, keeper
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.entry import Entry, EntryError, Leaf
from mcp_gateway.audit.checkpoints.key import Signer, Verifier
from mcp_gateway.audit.checkpoints.note import NoteError
from mcp_gateway.audit.checkpoints.place import Place, TakenError
from mcp_gateway.audit.checkpoints.tree import Tree
from mcp_gateway.audit.store import FAULTS, Connection

READ_BACK = 600  # entries, at a take-over: a segment that grew in none of them gets one more leaf
LEAVES_MOST = 50_000  # to an entry; the first one of an old ledger may need several
AWAY_SECONDS = 10.0  # so long without a checkpoint is worth an error in the log
CLOSE_SECONDS = 2.0

log = logging.getLogger(__name__)


class Told(Protocol):
    """What the operator decides of it."""

    ledger_reader_url: str
    checkpoints: str  # the place; empty: none
    checkpoint_seconds: float
    keys: Path


class PlaceSpoiltError(Exception):
    """What is kept does not continue; a person must look, and nothing is added meanwhile."""


@dataclass
class Kept:
    """The tree as the place has it, and how far it knows each segment."""

    tree: Tree
    blocks: dict[tuple[date, UUID], Leaf]

    @property
    def since(self) -> date:
        """A segment older than the newest leaf's day before grows no more."""
        days = [day for day, _ in self.blocks]
        return max(days) - timedelta(days=1) if days else date.min

    def add(self, entry: Entry) -> None:
        self.tree = entry.after()
        self.blocks |= {(one.day, one.segment): one for one in entry.leaves}
        if len(self.blocks) > 4 * LEAVES_MOST:
            since = self.since
            self.blocks = {key: leaf for key, leaf in self.blocks.items() if key[0] >= since}


class Checkpointing:
    """`start`, then `aclose`. One per process; at any time one of them all writes."""

    def __init__(
        self,
        reader_url: str,
        place: Callable[[], Place],
        signer: Signer,
        seconds: float,
        trusted: list[Verifier],
    ) -> None:
        self._url = reader_url
        self._open = place
        self._place: Place | None = None
        self._signer = signer
        self._seconds = seconds
        self._trusted = trusted
        self._connection: Connection | None = None
        self._leads = False
        self._kept: Kept | None = None
        self._task: asyncio.Task[None] | None = None
        self._covered = time.monotonic()
        self._away = False
        self._told: set[Leaf] = set()  # heads that are not what they were, each once in the log
        self.written = 0
        self.bytes = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._for_ever(), name="checkpoints")

    @property
    def age(self) -> float | None:
        """Seconds since all that was recorded was covered; None where another gateway does it."""
        return time.monotonic() - self._covered if self._leads else None

    async def aclose(self) -> None:
        """Once more, so that what was recorded at the end is covered, too."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._leads:
            with contextlib.suppress(*FAULTS, PlaceSpoiltError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self.once()
        self._step_down()

    async def once(self) -> int:
        """A checkpoint of what has grown; how many leaves it took. None while another leads.

        Raises:
            OSError, asyncpg.PostgresError: the place or the database is away.
            PlaceSpoiltError: the place does not hold what was written there.

        """
        connection = await self._elected()
        if connection is None:
            return 0
        if self._kept is None:
            self._kept = await asyncio.to_thread(self._read_back)
        kept, begun = self._kept, time.monotonic()
        grown = [
            head
            for head in await heads.newest(connection, kept.since)
            if self._is_news(kept.blocks.get((head.day, head.segment)), head)
        ]
        for start in range(0, len(grown), LEAVES_MOST):
            await self._write(kept, grown[start : start + LEAVES_MOST])
        self._covered = begun
        return len(grown)

    async def _write(self, kept: Kept, leaves: list[Leaf]) -> None:
        after = kept.tree.grown(one.hash() for one in leaves)
        note = self._signer.note(after.size, after.root())
        entry = Entry(kept.tree, tuple(leaves), datetime.now(UTC), note)
        data = entry.encoded()
        assert self._place is not None  # noqa: S101  read back before
        try:
            await asyncio.to_thread(self._place.put, entry.name, data)
        except TakenError:
            if await asyncio.to_thread(self._place.get, entry.name) != data:
                raise
        except BaseException:
            self._kept = None  # it may be there all the same: look before the next one
            raise
        kept.add(entry)
        self.written += 1
        self.bytes += len(data)

    def _is_news(self, known: Leaf | None, head: Leaf) -> bool:
        if known is None or head.block > known.block:
            return True
        if head == known or head in self._told:
            return False
        self._told.add(head)
        if head.block < known.block:
            log.critical(
                "segment %s of %s ends at block %d; a checkpoint has seen block %d: run the "
                "verifier", head.segment, head.day, head.block, known.block,
            )  # fmt: skip
        else:
            log.critical(
                "block %d of segment %s of %s is not the one a checkpoint has seen: run the "
                "verifier", head.block, head.segment, head.day,
            )  # fmt: skip
        return False

    def _read_back(self) -> Kept:
        if self._place is None:
            self._place = self._open()
        kept = Kept(Tree(), {})
        last: Entry | None = None
        for name in self._place.newest(READ_BACK):
            try:
                last = checkpoint_entry.read(self._place.get(name))
                note = checkpoint_key.read(last.note, self._trusted)
            except (EntryError, NoteError) as error:
                raise PlaceSpoiltError(f"{name}: {error}") from error
            kept.add(last)
            if (note.size, note.root) != (kept.tree.size, kept.tree.root()):
                raise PlaceSpoiltError(f"{name}: its leaves do not lead to the signed root")
        return kept

    async def _elected(self) -> Connection | None:
        if self._connection is None or self._connection.is_closed():
            self._step_down()
            self._connection = await heads.connect(
                self._url, heads.IDLE_SECONDS + 10 * self._seconds
            )
        if not self._leads:
            self._leads = await heads.elected(self._connection)
            if not self._leads:  # another answers for what was recorded until now
                self._covered = time.monotonic()
        return self._connection if self._leads else None

    async def _for_ever(self) -> None:
        while True:
            try:
                await self.once()
            except TakenError as taken:
                log.warning("checkpoint %s was written by another gateway", taken)
                self._step_down()
            except PlaceSpoiltError as spoilt:
                self._tell(f"the place does not hold what was written there: {spoilt}")
                self._kept = None
            except FAULTS as fault:
                self._tell(f"{type(fault).__name__}: {fault}")
                if self._connection is not None and self._connection.is_closed():
                    self._step_down()
            except Exception:  # the task's own top level: a bug must be seen and not end it
                log.exception("checkpoint failed")
                self._kept = None
            else:
                if self._away:
                    log.warning("checkpoints are written again")
                self._away = False
            await asyncio.sleep(self._seconds)

    def _tell(self, why: str) -> None:
        """Once a fault has lasted; the gauge says the rest."""
        age = self.age or 0.0
        if not self._away and age > AWAY_SECONDS:
            self._away = True
            log.error(
                "no checkpoint for %.0f s; since then receipts alone show a cut: %s", age, why
            )

    def _step_down(self) -> None:
        connection, self._connection = self._connection, None
        self._leads, self._kept = False, None
        if connection is not None:
            connection.terminate()


@contextlib.asynccontextmanager
async def running(made: Told, public_url: str) -> AsyncIterator[Checkpointing | None]:
    """Into the place of the settings, with the key in `keys`, whose public half is put beside it;
    nothing where no place is named.

    Raises:
        KeyFileError: there is no such key, or others can read it.

    """
    place, folder = made.checkpoints, made.keys
    if not place:
        yield None
        return
    signer = checkpoint_key.signer(folder, f"{urlsplit(public_url).netloc}/ledger")
    public = folder / checkpoint_key.PUBLIC_NAME
    with contextlib.suppress(OSError):  # a key folder may be read-only
        checkpoint_key.publish(signer.verifier, public)
    trusted = checkpoint_key.verifiers(public) if public.exists() else [signer.verifier]
    job = Checkpointing(
        made.ledger_reader_url,
        lambda: keeper.opened(place),
        signer,
        made.checkpoint_seconds,
        trusted,
    )
    job.start()
    try:
        yield job
    finally:
        await job.aclose()
