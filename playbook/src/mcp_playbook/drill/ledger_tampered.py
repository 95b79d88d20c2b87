"""Somebody edited a record: the verifier names it, and the backup gives back what was signed."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Any

import asyncpg

from mcp_local import ledger_view
from mcp_local.fill import with_database
from mcp_playbook.drill.callers import Seen
from mcp_playbook.drill.pg_tools import dump, tool
from mcp_playbook.drill.rehearsal import NotAsExpectedError, Rehearsal
from mcp_playbook.drill.stage import Stage

LEDGER, BESIDE = "ledger", "ledger_backup"
RECORDS = "SELECT seg_day, seg, seq, body, person FROM audit.record ORDER BY seg_day, seg, seq"
CHANGE = (
    "UPDATE audit.record SET body = $1, person = $2 WHERE seg_day = $3 AND seg = $4 AND seq = $5"
)

Row = asyncpg.Record


class Expect(StrEnum):
    NAMED = "make audit fails and names the block that was edited"
    RECEIPT = "the caller's receipt shows it without trusting the database"
    BACKUP = "the backup, restored beside, verifies with the same public key"
    ONE = "comparing the two finds the edited record and no other"
    RESTORED = "with the record put back from the backup the ledger verifies"
    PROVES = "and the caller's receipt proves its call again"


async def rehearse(drill: Rehearsal) -> None:
    stage = drill.stage
    victim, *others = await drill.before(*drill.callers.reads())
    if victim.receipt is None:
        raise NotAsExpectedError("the answer carries no receipt")
    copies = stage.stack.here.run / "copies"
    copies.mkdir(exist_ok=True)
    size = await dump(stage.superuser(LEDGER), copies / "backup.dump")
    drill.saw(f"the last backup: pg_dump --format=custom, {size:,} bytes")
    other = next((one.call.person for one in others if one.call.person != victim.call.person), "x")
    original = await _tamper(stage, victim, other)
    try:
        await _found_and_restored(drill, victim, other, copies)
    finally:  # whatever went wrong: the next drill finds a sound ledger
        await _put_back(stage, [original])


async def _found_and_restored(drill: Rehearsal, victim: Seen, other: str, copies: Path) -> None:
    stage = drill.stage
    receipt = victim.receipt or {}
    segment = str(receipt["segment"])
    drill.incident(
        f"a superuser, with triggers off, makes {victim.call.person}'s call {other}'s: "
        f"record {receipt['seq']} of segment {segment[:8]}"
    )
    found = await stage.audit()
    drill.saw(f"make audit (exit {found.returncode}):\n{found.stdout.strip()}")
    named = found.returncode == 1 and "BLOCK" in found.stdout and segment in found.stdout
    drill.expect(Expect.NAMED, named, f"exit {found.returncode}")
    shown = await stage.receipt(receipt)
    drill.saw(f"the receipt of the caller (exit {shown.returncode}): {_first(shown.stdout)}")
    drill.expect(Expect.RECEIPT, "RECEIPT-MISMATCH" in shown.stdout, _first(shown.stdout))

    size = await dump(stage.superuser(LEDGER), copies / "tampered.dump")
    drill.recovery(f"first a copy of the ledger as it is, for whoever investigates: {size:,} bytes")
    await _run(stage.superuser("postgres"), f"CREATE DATABASE {BESIDE}")
    await tool(
        "pg_restore", stage.superuser(BESIDE), "--exit-on-error", str(copies / "backup.dump")
    )
    beside = with_database(ledger_view.reader_url(stage.stack.filler()), BESIDE)
    # by itself: the checkpoints have seen what was written after the backup
    verified = await stage.audit(GATEWAY_LEDGER_READER_URL=beside, GATEWAY_CHECKPOINTS="")
    drill.recovery(f"the backup, restored beside as {BESIDE}: {verified.stdout.splitlines()[0]}")
    drill.expect(Expect.BACKUP, verified.returncode == 0, f"exit {verified.returncode}")
    edited = await _edited(stage)
    where = [f"{str(row['seg'])[:8]}/{row['seq']} says {row['person']}" for row in edited]
    drill.recovery(f"compared with it: {'; '.join(where) or 'nothing is different'}")
    drill.expect(Expect.ONE, [row["seq"] for row in edited] == [receipt["seq"]], where)
    await _put_back(stage, edited)
    drill.recovery("the record is put back, byte for byte")
    await drill.verifies(Expect.RESTORED)
    shown = await stage.receipt(receipt)
    drill.saw(f"the receipt of the caller: {_first(shown.stdout)}")
    drill.expect(Expect.PROVES, shown.returncode == 0, _first(shown.stdout))
    await _run(stage.superuser("postgres"), f"DROP DATABASE {BESIDE}")


async def _tamper(stage: Stage, victim: Seen, other: str) -> Row:
    receipt = victim.receipt or {}
    rows = await _rows(stage, LEDGER)
    (row,) = [
        row for row in rows
        if str(row["seg"]) == receipt["segment"] and row["seq"] == receipt["seq"]
    ]  # fmt: skip
    said = f'"person":"{victim.call.person}"'.encode()
    await _write(stage, row["body"].replace(said, f'"person":"{other}"'.encode()), other, row)
    return row


async def _edited(stage: Stage) -> list[Row]:
    """Records of the backup that the ledger has otherwise; what came later is in neither list."""
    now, kept = await asyncio.gather(_rows(stage, LEDGER), _rows(stage, BESIDE))
    held: dict[Any, Row] = {(row["seg"], row["seq"]): row for row in now}
    return [row for row in kept if held.get((row["seg"], row["seq"])) != row]


async def _put_back(stage: Stage, rows: list[Row]) -> None:
    for row in rows:
        await _write(stage, row["body"], row["person"], row)


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def _rows(stage: Stage, database: str) -> list[Row]:
    connection = await asyncpg.connect(stage.superuser(database))
    try:
        return list(await connection.fetch(RECORDS))
    finally:
        await connection.close()


async def _write(stage: Stage, body: bytes, person: str, row: Row) -> None:
    connection = await asyncpg.connect(stage.superuser(LEDGER))
    try:
        await connection.execute("SET session_replication_role = replica")  # triggers off
        await connection.execute(CHANGE, body, person, row["seg_day"], row["seg"], row["seq"])
    finally:
        await connection.close()


def _first(text: str) -> str:
    """The first finding, or what was found sound."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = next((line for line in lines if line.startswith(("OK", "RECEIPT"))), "".join(lines[:1]))
    return " ".join(found.split())
