"""The job that writes checkpoints: one at a time, across restarts, and with its place away."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from gateway.audit.conftest import Place

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import entry as checkpoint_entry
from mcp_gateway.audit.checkpoints import heads
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.checkpoints.directory import Directory
from mcp_gateway.audit.checkpoints.job import Checkpointing, PlaceSpoiltError
from mcp_gateway.audit.checkpoints.key import Signer
from mcp_gateway.audit.checkpoints.place import PlaceError, TakenError
from mcp_gateway.audit.verify import verify

NAME = "ledger.example/desk"
# the session of who writes
ENDED = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE application_name = 'ledger-checkpoint' AND pid IN "
    "(SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
)


@dataclass
class Witness:
    """A place outside the database, and the job that writes to it."""

    place: Place
    folder: Path
    signer: Signer

    @contextlib.asynccontextmanager
    async def job(self, seconds: float = 3600.0, **more: Any) -> AsyncIterator[Checkpointing]:
        job = Checkpointing(
            self.place.reader, more.get("opened", lambda: Directory(self.folder)), self.signer,
            seconds, [self.signer.verifier],
        )  # fmt: skip
        try:
            yield job
        finally:
            await job.aclose()

    def read(self, pin: str | None = None) -> Witnessed:
        return checkpoint_check.read(Directory(self.folder), [self.signer.verifier], pin)

    async def kinds(self) -> list[str]:
        report = await verify(
            self.place.reader, keys.load_public(self.place.public), witnessed=self.read()
        )
        return [finding.kind for finding in report.findings]


@pytest.fixture
def witness(place: Place, tmp_path: Path) -> Witness:
    checkpoint_key.create(tmp_path)
    return Witness(place, tmp_path / "witness", checkpoint_key.signer(tmp_path, NAME))


async def test_a_checkpoint_has_a_leaf_for_each_segment_that_grew(
    witness: Witness, body: dict[str, Any]
) -> None:
    async with witness.job() as job, witness.place.opened() as one, witness.place.opened() as two:
        assert await job.once() == 2
        assert await job.once() == 0
        await one.append("event", body)
        assert await job.once() == 1
        await asyncio.gather(one.append("event", body), two.append("event", body))
        assert await job.once() == 2
    found = witness.read()
    assert not found.findings
    assert (found.size, found.entries) == (7, 4)  # the last at the end: both said that they closed
    assert sorted(len(blocks) for blocks in found.heads.values()) == [3, 4]
    assert await witness.kinds() == []


async def test_a_restart_keeps_the_tree(witness: Witness, body: dict[str, Any]) -> None:
    async with witness.place.opened() as ledger:
        for _ in range(3):
            async with witness.job() as job:
                await ledger.append("event", body)
                assert await job.once() == 1
    async with witness.job() as job:
        assert await job.once() == 1
        assert await job.once() == 0
    assert (witness.read().size, witness.read().findings) == (4, [])


async def test_one_writes_and_another_takes_over_when_its_session_ends(
    witness: Witness, body: dict[str, Any]
) -> None:
    async with (
        witness.place.opened() as ledger, witness.job() as first, witness.job() as second,
    ):  # fmt: skip
        assert await first.once() == 1
        await ledger.append("event", body)
        assert await second.once() == 0
        waits = second.age is None
        assert waits
        await witness.place.sql(ENDED)
        assert await second.once() == 1
        assert second.age is not None
        await ledger.append("event", body)
        with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await first.once()
        assert await first.once() == 0
        assert first.age is None
    assert not witness.read().findings


async def test_of_two_who_write_at_once_the_later_one_finds_the_place_taken(
    witness: Witness, body: dict[str, Any]
) -> None:
    async with witness.place.opened() as ledger, witness.job() as first:
        await first.once()
        name = f"00000000/{1:012d}"
        Directory(witness.folder).put(name, b"another's")
        await ledger.append("event", body)
        with pytest.raises(TakenError):
            await first.once()
        (witness.folder / name).unlink()
        assert await first.once() == 1


async def test_the_place_away_holds_nothing_up_and_later_everything_is_covered(
    witness: Witness, body: dict[str, Any]
) -> None:
    mounted = False

    def opened() -> Directory:
        if not mounted:
            raise PlaceError("not mounted")
        return Directory(witness.folder)

    async with witness.place.opened() as ledger, witness.job(opened=opened) as job:
        for _ in range(3):
            await ledger.append("event", body)
            with pytest.raises(PlaceError):
                await job.once()
        away = time.monotonic()
        assert job.age is not None
        await ledger.append("event", body)
        assert job.age > time.monotonic() - away
        await witness.place.sql(ENDED)
        for _ in range(2):  # a lost session is no checkpoint: the age goes on
            with pytest.raises((PlaceError, OSError, asyncpg.PostgresError)):
                await job.once()
        assert job.age > time.monotonic() - away
        mounted = True
        begun = time.monotonic()
        assert await job.once() == 1
        assert job.age <= time.monotonic() - begun
    assert await witness.kinds() == []


class Telling(Directory):
    """Says when something was written."""

    def __init__(self, folder: Path, wrote: asyncio.Queue[str]) -> None:
        super().__init__(folder)
        self._wrote = wrote
        self._loop = asyncio.get_running_loop()

    def put(self, name: str, data: bytes) -> None:
        super().put(name, data)
        self._loop.call_soon_threadsafe(self._wrote.put_nowait, name)


async def test_it_goes_on_by_itself(witness: Witness, body: dict[str, Any]) -> None:
    wrote: asyncio.Queue[str] = asyncio.Queue()
    telling = Telling(witness.folder, wrote)
    async with (
        witness.place.opened() as ledger,
        witness.job(seconds=0.02, opened=lambda: telling) as job,
    ):
        job.start()
        async with asyncio.timeout(20):
            for _ in range(3):
                await wrote.get()
                await ledger.append("event", body)
    assert await witness.kinds() == []


async def test_nothing_is_added_to_a_place_that_was_spoilt(
    witness: Witness, body: dict[str, Any]
) -> None:
    async with witness.place.opened() as ledger:
        async with witness.job() as job:
            await job.once()
        [name] = Directory(witness.folder).names()
        file = witness.folder / name
        file.chmod(0o644)
        file.write_bytes(file.read_bytes().replace(b"from 0", b"from 1"))
        await ledger.append("event", body)
        async with witness.job() as job:
            with pytest.raises(PlaceSpoiltError):
                await job.once()
    assert len([*Directory(witness.folder).names()]) == 1


async def test_an_ended_segment_is_told_of_as_soon_as_it_shrinks(
    witness: Witness, body: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with witness.job() as job:
        async with witness.place.opened() as ledger:
            await ledger.append("event", body)
            await job.once()
        await witness.place.sql("DELETE FROM audit.block WHERE block > 1")
        for _ in range(2):
            assert await job.once() == 0
    assert [line.levelname for line in caplog.records if "a checkpoint has seen" in line.message]
    assert len([line for line in caplog.records if line.levelname == "CRITICAL"]) == 1


async def test_heads_are_found_by_the_primary_key(witness: Witness, body: dict[str, Any]) -> None:
    async with witness.place.opened() as ledger:
        for _ in range(200):
            await ledger.append("event", body)
    await witness.place.sql("ANALYZE audit.block")
    query = "EXPLAIN " + heads.HEADS.replace("$1", "'2000-01-01'")
    plan = "\n".join(row[0] for row in await witness.place.rows(query))
    assert "Index Scan Backward" in plan
    assert "Seq Scan on block_" not in plan.replace("(never executed)", "")


async def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "witness")
    directory.put("00000000/000000000000", b"one")
    with pytest.raises(TakenError):
        directory.put("00000000/000000000000", b"two")
    shard = tmp_path / "witness" / "00000000"
    assert [one.name for one in shard.iterdir()] == ["000000000000"]
    assert (shard / "000000000000").read_bytes() == b"one"
    assert (shard / "000000000000").stat().st_mode & 0o222 == 0
    (shard / ".000000000001-half").write_bytes(b"ha")  # of a process that died
    assert [*directory.names()] == ["00000000/000000000000"]
    with pytest.raises(PlaceError, match="mounted"):
        Directory(tmp_path / "no" / "witness").put("00000000/000000000000", b"x")


def test_the_newest_names_cross_folders(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "witness")
    names = [f"{n // checkpoint_entry.SHARD:08d}/{n:012d}" for n in (0, 9_999, 10_000, 20_001)]
    for name in names:
        directory.put(name, b"x")
    assert [*directory.names()] == names
    assert directory.newest(3) == names[1:]
    assert directory.newest(9) == names


class Forgetful(Directory):
    """Writes, and is not heard of again."""

    def put(self, name: str, data: bytes) -> None:
        super().put(name, data)
        raise PlaceError("no answer")


async def test_a_checkpoint_whose_answer_never_came_is_looked_for_before_the_next(
    witness: Witness, body: dict[str, Any]
) -> None:
    places: list[Directory] = [Forgetful(witness.folder), Directory(witness.folder)]
    async with witness.place.opened() as ledger:
        async with witness.job(opened=lambda: places[0]) as job:
            with pytest.raises(PlaceError, match="no answer"):
                await job.once()
            assert await job.once() == 0  # it was there
            await ledger.append("event", body)
            with pytest.raises(PlaceError, match="no answer"):
                await job.once()
        async with witness.job(opened=lambda: places[1]) as job:
            assert await job.once() == 0
    assert (witness.read().size, witness.read().entries) == (2, 2)
    assert await witness.kinds() == []


async def test_a_gateway_that_was_stopped_loses_the_lock(place: Place) -> None:
    """Its session says nothing, as when its process is held: PostgreSQL ends it."""
    stopped = await heads.connect(place.reader, 1.0)
    ended = asyncio.Event()
    stopped.add_termination_listener(lambda _: ended.set())
    other = await heads.connect(place.reader, 60.0)
    try:
        assert await heads.elected(stopped)
        assert not await heads.elected(other)
        async with asyncio.timeout(20):
            await ended.wait()
        assert await heads.elected(other)
    finally:
        await other.close()
