"""Retiring as two people type it, on a database that keeps what it acknowledges."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import zstandard
from gateway.audit.conftest import READER, WRITER, Place
from gateway.audit.past import a_day, ago
from gateway.audit.test_cli import audit

from mcp_gateway.audit import keys
from mcp_gateway.audit.duties import retention
from mcp_gateway.audit.duties.two_names import person, propose
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.migrate import migrate
from mcp_local import postgres

BEFORE = ago(39)


@pytest.fixture(scope="module")
def durable(run_folder: Path) -> Iterator[postgres.Postgres]:
    """With fsync: a command refuses any other server."""
    with postgres.running(run_folder / "postgres-durable") as server:
        yield server


@pytest_asyncio.fixture
async def desk(durable: postgres.Postgres, tmp_path: Path) -> AsyncIterator[Place]:
    """Two old days and a new one."""
    await migrate(durable.url(), WRITER, READER)
    keys.create(tmp_path / keys.PRIVATE_NAME)
    place = Place(
        durable.url(), durable.url("postgres", "audit_writer", WRITER),
        durable.url("postgres", "audit_reader", READER), tmp_path / keys.PRIVATE_NAME,
    )  # fmt: skip
    for days in (41, 40, 2):
        await a_day(place, ago(days))
    yield place


async def proposed(place: Place, by: str, **more: Any) -> str:
    ledger = await Ledger.open(place.writer, place.key, "operator")
    try:
        if more:
            detail = {"proposal": "0123456789ab", "scope": retention.scope(BEFORE), "by": by}
            await ledger.append("event", {"reason": "retire_proposed", "detail": detail, **more})
            return "0123456789ab"
        return await propose(ledger, "retire", retention.scope(BEFORE), by)
    finally:
        await ledger.aclose()


async def test_two_people_retire_by_command_and_one_does_not(desk: Place, tmp_path: Path) -> None:
    urls = {"GATEWAY_LEDGER_URL": desk.writer, "LEDGER_ADMIN_URL": desk.admin}
    exports = tmp_path / "exports"

    async def retire(*words: str, before: str = BEFORE.isoformat()) -> tuple[int, str]:
        return await audit(desk, "retire", "--before", before, *words, **urls)

    async def approve(number: str, **more: str) -> tuple[int, str]:
        return await retire("--approve", number, "--exports", str(exports), **more)

    code, out = await retire("--propose")
    assert (code, "2 days would go" in out, "somebody else: --approve" in out) == (0, True, True)
    mine = out.split("--approve ")[1].strip()
    code, out = await approve(mine)
    assert (code, "somebody else has to approve" in out) == (2, True)
    long_ago = (datetime.now(UTC) - timedelta(days=8)).isoformat()
    code, out = await approve(await proposed(desk, "paula on desk", ts=long_ago))
    assert (code, "no proposal 0123456789ab of the last 7 days" in out) == (2, True)
    number = await proposed(desk, "paula on desk")
    code, out = await approve(number, before=ago(1).isoformat())
    assert (code, "is for something else" in out) == (2, True)
    code, out = await retire("--approve", number)
    assert (code, "--exports says where" in out) == (2, True)
    assert not exports.exists()

    code, out = await approve(number)
    assert code == 0, out
    assert f"{ago(41)}: 7 records, 1 segments; {exports}/ledger-{ago(41)}.jsonl.zst" in out
    left = await desk.rows("SELECT DISTINCT seg_day FROM audit.record")
    assert {row["seg_day"] for row in left} == {ago(2), ago(0)}
    for day in (40, 41):
        [row] = await desk.rows("SELECT to_regclass($1) AS it", f"audit.record_{ago(day):%Y%m%d}")
        assert row["it"] is None
    code, out = await audit(desk, "verify")
    assert (code, "retired, with a tombstone: 2 segments" in out) == (0, True), out
    code, out = await approve(number)
    assert code == 2, "there is nothing left, and it was approved before"

    def verified(file: Path) -> tuple[int, str]:
        command = [sys.executable, "-m", "mcp_gateway.audit.offline", str(file), "--key"]
        done = subprocess.run(
            [*command, str(desk.public)], env=os.environ, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    for file in exports.glob("*.zst"):
        code, out = verified(file)
        assert (code, "its making is on the record" in out) == (0, True), out
        shortened(file)
        code, out = verified(file)
        assert (code, "PROOF" in out) == (1, True)


def shortened(file: Path) -> None:
    """The last records left out."""
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
    kept = lines.splitlines(keepends=True)
    del kept[-3:-1]
    file.write_bytes(zstandard.ZstdCompressor().compress(b"".join(kept)))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ana on desk", "ana on desk", True), ("ana on desk", "ana on laptop", True),
        ("ana on desk", "ana as root on desk", True), ("ana on desk", "ben on desk", False),
        ("ana as root on desk", "ben as root on desk", False),
        ("uid 1000 on desk", "uid 1001 on desk", False),
    ],
)  # fmt: skip
def test_another_machine_or_role_makes_nobody_a_second_person(
    one: str, other: str, *, same: bool
) -> None:
    assert (person(one) == person(other)) == same
