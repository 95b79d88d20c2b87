"""The ledger's key is replaced while records are written: nothing is lost, all of it verifies."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway.audit.conftest import Place
from gateway.audit.exports import exported, written
from gateway.audit.sealed import checked

from mcp_gateway.audit import keys, receipt, signing
from mcp_gateway.audit.block import instant, key_id
from mcp_gateway.audit.offline.trust import load
from mcp_gateway.audit.offline.verify import verify as offline_verify
from mcp_gateway.audit.verify import verify
from mcp_gateway.audit.waiting import Entry


async def test_a_key_is_replaced_under_running_appends_without_a_gap(
    place: Place, body: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.0)
    entries: list[Entry] = []
    made: list[str] = []
    async with place.opened() as ledger:

        async def writing(first: int, *rotations: int) -> None:
            for n in range(first, first + 60):
                entry = await ledger.append("event", body | {"rid": f"r-{n}"})
                entries.append(entry)
                if n in rotations:
                    made.append(keys.rotate(place.key, datetime.now(UTC))[1])

        await asyncio.gather(writing(0, 15, 30, 45), writing(100))
        last = await ledger.append("event", body | {"rid": "last"})
    report = await checked(place)
    assert report.sound, report.findings
    assert report.records == 121 + 4 + 1  # a segment for each key, and the closing
    trusted = keys.load_public(place.public)
    assert len(trusted) == 4
    assert made[-1] in str(last.receipt())
    for entry in entries:
        receipt.check(entry.receipt(), trusted)
    [row] = await place.rows("SELECT count(DISTINCT key) AS keys FROM audit.block")
    assert row["keys"] == 4


async def test_the_old_key_signs_nothing_after_its_time(place: Place, body: dict[str, Any]) -> None:
    async with place.opened() as ledger:
        await ledger.append("event", body)
    trusted = keys.load_public(place.public)
    assert (await verify(place.reader, trusted)).sound
    [name] = trusted
    trusted.until[name] = datetime.now(UTC) + keys.GRACE
    assert (await verify(place.reader, trusted)).sound
    trusted.until[name] = datetime.now(UTC) - timedelta(hours=1)
    [finding] = (await verify(place.reader, trusted)).findings
    assert (finding.kind, finding.block) == ("BLOCK", 1)


def test_the_public_file_keeps_both_and_says_until_when(tmp_path: Path) -> None:
    path = tmp_path / keys.PRIVATE_NAME
    keys.create(path)
    before = path.read_bytes()
    now = datetime(2026, 5, 1, tzinfo=UTC)
    old, new = keys.rotate(path, now)
    assert path.read_bytes() != before
    assert path.stat().st_mode & 0o777 == 0o600
    trusted = keys.load_public(tmp_path / keys.PUBLIC_NAME)
    assert set(trusted) == {old, new}
    assert trusted.until == {old: now + keys.GRACE}
    assert key_id(keys.load_private(path).public_key()) == new
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ledger.pem", "ledger.pub"]


async def spoilt(place: Place) -> None:
    place.key.write_bytes(b"not a key")


async def removed(place: Place) -> None:
    place.key.unlink()


@pytest.mark.parametrize("attack", [spoilt, removed])
async def test_a_new_key_that_cannot_be_read_does_not_stop_the_ledger(
    place: Place,
    body: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    attack: Callable[[Place], Awaitable[None]],
) -> None:
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.0)
    async with place.opened() as ledger:
        await attack(place)
        await ledger.append("event", body)
    assert (await checked(place)).sound


@pytest.mark.parametrize("hours", [1, -1])
async def test_an_auditors_verifier_believes_a_replaced_key_up_to_its_end_and_no_further(
    place: Place, body: dict[str, Any], tmp_path: Path, hours: int
) -> None:
    await written(place, body)
    export = tmp_path / "days.jsonl.gz"
    await exported(place, export)
    [name] = keys.load_public(place.public)
    ends = instant(datetime.now(UTC) + timedelta(hours=hours))
    with place.public.open("a") as file:
        file.write(f"# key {name} signs until {ends}\n")
    report, *_ = offline_verify(str(export), load(place.public), jobs=1)
    assert report.sound == (hours > 0), report.text()
    assert {one.kind for one in report.findings} == (set() if hours > 0 else {"BLOCK"})
