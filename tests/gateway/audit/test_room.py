"""How much room there is, by a real disk and a real database, and when which level holds."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mcp_gateway.audit.room import Level, Room, bytes_of, measure
from mcp_gateway.refusals import Refusal
from mcp_local.postgres import Postgres


class Told:
    """A disk that a test fills, and what was said of it."""

    def __init__(self) -> None:
        self.used: float | Exception = 0.0
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self.room = Room(self._used, self._event)

    async def _used(self) -> float:
        if isinstance(self.used, Exception):
            raise self.used
        return self.used

    async def _event(self, name: str, detail: Mapping[str, Any]) -> None:
        self.events.append((name, detail))

    async def at(self, used: float | Exception) -> Level:
        self.used = used
        await self.room.look()
        return self.room.level


@pytest.fixture
def told() -> Told:
    return Told()


def refused(room: Room, kind: str) -> str | None:
    try:
        room.insist(kind)
    except Refusal as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("used", "level"),
    [(0.0, "enough"), (0.799, "enough"), (0.80, "low"), (0.899, "low"), (0.90, "scarce"),
     (0.949, "scarce"), (0.95, "full"), (1.0, "full"), (1.7, "full")],
)  # fmt: skip
async def test_each_mark_begins_its_level(told: Told, used: float, level: str) -> None:
    assert await told.at(used) == level


async def test_it_looks_every_second_once_room_is_low(told: Told) -> None:
    await told.at(0.5)
    assert told.room.pause == 10
    await told.at(0.81)
    assert told.room.pause == 1


async def test_a_level_is_left_two_points_below_its_mark(told: Told) -> None:
    seen = [await told.at(used) for used in (0.95, 0.94, 0.931, 0.929, 0.89, 0.879, 0.779)]
    assert seen == ["full", "full", "full", "scarce", "scarce", "low", "enough"]


async def test_what_reads_ends_before_what_writes(told: Told) -> None:
    closed: dict[str, tuple[str | None, str | None]] = {}
    for used in (0.5, 0.85, 0.92, 0.96):
        level = await told.at(used)
        closed[level] = (refused(told.room, "read"), refused(told.room, "write"))
    assert closed == {
        "enough": (None, None),
        "low": (None, None),
        "scarce": ("ledger_full", None),
        "full": ("ledger_full", "ledger_full"),
    }


async def test_a_change_is_recorded_once(told: Told) -> None:
    for used in (0.5, 0.85, 0.86, 0.92, 0.5):
        await told.at(used)
    assert [(name, detail["before"], detail["level"]) for name, detail in told.events] == [
        ("ledger_disk", "enough", "low"),
        ("ledger_disk", "low", "scarce"),
        ("ledger_disk", "scarce", "enough"),
    ]
    assert told.events[0][1]["percent"] == 85.0


async def test_a_disk_that_cannot_be_measured_keeps_its_level(told: Told) -> None:
    assert await told.at(0.96) == "full"
    assert await told.at(OSError("gone")) == "full"
    assert told.room.used is None
    assert await told.at(asyncpg.CannotConnectNowError("starting up")) == "full"
    assert await told.at(0.1) == "enough"


async def test_a_folder_is_measured_as_df_does(tmp_path: Path) -> None:
    used = await measure(str(tmp_path), "")()
    found = os.statvfs(tmp_path)
    free_for_us = found.f_bavail / (found.f_blocks - found.f_bfree + found.f_bavail)
    assert used == pytest.approx(1 - free_for_us, abs=0.02)
    with pytest.raises(FileNotFoundError):
        await measure(str(tmp_path / "nowhere"), "")()


async def test_a_size_is_compared_with_what_the_database_holds(postgres_server: Postgres) -> None:
    url = postgres_server.url()
    connection = await asyncpg.connect(url)
    try:
        held = await connection.fetchval("SELECT sum(pg_database_size(oid)) FROM pg_database")
        ten_times = f"{held * 10 / 2**20:.3f} MiB"
        before = await measure(ten_times, url)()
        # other tests make and drop databases meanwhile
        assert 0.02 < before < 0.5
        assert await measure("1 MiB", url)() > 1
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("text", "size"),
    [("1 MiB", 2**20), ("200GiB", 200 * 2**30), ("1.5 TiB", 3 * 2**39), ("/var/lib", None),
     ("200 GB", None), ("GiB", None)],
)  # fmt: skip
def test_sizes_are_read_in_binary_units(text: str, size: int | None) -> None:
    assert bytes_of(text) == size
