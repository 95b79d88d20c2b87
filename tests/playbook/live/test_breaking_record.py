"""Week 3, record: each check fails when the record does not hold."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from playbook.live.conftest import Through
from playbook.live.meddler import Answered, Asked, Forward
from playbook.live.verdicts import fails, passes, waits

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import options as checkpoint_options
from mcp_local.fill import with_database
from mcp_local.load import Stack
from mcp_playbook.checks import week_3_record as week
from mcp_playbook.deployment import Deployment
from mcp_shared.meta import RECEIPT


@asynccontextmanager
async def edited(stack: Stack, column: str, value: str) -> AsyncIterator[None]:
    """The newest record with one column changed, as only a superuser with triggers off can."""
    url = with_database(stack.filler().postgres, "ledger")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("SET session_replication_role = replica")
        row = await connection.fetchrow(
            f"SELECT seg_day, seg, seq, {column} AS was FROM audit.record "
            "WHERE kind = 'outcome' ORDER BY ts DESC LIMIT 1"
        )
        assert row
        where = "WHERE seg_day = $2 AND seg = $3 AND seq = $4"
        change = f"UPDATE audit.record SET {column} = $1 {where}"
        await connection.execute(change, value, row["seg_day"], row["seg"], row["seq"])
        yield
        await connection.execute(change, row["was"], row["seg_day"], row["seg"], row["seq"])
    finally:
        await connection.close()


async def test_W3_09_fails_where_another_person_is_on_record(
    through: Through, at: Deployment
) -> None:
    probe = at.one_each()[0]
    other = next(one.person for one in at.allowed() if one.person != probe.person)

    async def mistaken(asked: Asked, forward: Forward) -> Answered:
        if f'"{probe.tool}"'.encode() in asked.body and b"tools/call" in asked.body:
            token = await at.token(other, at.endpoint_of(probe))
            return await forward(asked.bearing(str(token)))
        return await forward(asked)

    async with through(mistaken) as broken:
        await fails(week.recorded, broken, f"the record names {other}")


async def test_W3_09_waits_where_the_ledger_cannot_be_read(at: Deployment) -> None:
    assert at.kit
    await waits(week.recorded, replace(at, kit=replace(at.kit, ledger=None)), "ledger")


async def test_W3_10_fails_when_a_record_was_edited(at: Deployment, stack: Stack) -> None:
    await at.call(at.one_each()[0])
    await passes(week.verifies, at)
    async with edited(stack, "person", "nobody"):
        await fails(week.verifies, at, "PROJECTION")
    await passes(week.verifies, at)


async def test_W3_10_fails_with_somebody_elses_key(at: Deployment, tmp_path: Path) -> None:
    await fails(week.verifies, _with_key(at, tmp_path), "BLOCK")


async def test_W3_11_fails_with_somebody_elses_key(at: Deployment, tmp_path: Path) -> None:
    await fails(week.receipts, _with_key(at, tmp_path), "RECEIPT-INVALID")


async def test_W3_11_fails_where_no_receipt_is_given(through: Through) -> None:
    async def silent(asked: Asked, forward: Forward) -> Answered:
        return (await forward(asked)).saying(RECEIPT.encode(), b"something/else")

    async with through(silent) as broken:
        await fails(week.receipts, broken, "no receipt")


def _with_key(at: Deployment, folder: Path) -> Deployment:
    keys.create(folder / "ledger.pem")
    assert at.kit
    return replace(at, kit=replace(at.kit, ledger_public=folder / keys.PUBLIC_NAME))


def _witnessed_at(at: Deployment, place: Path) -> Deployment:
    """As if the checkpoints were here."""
    assert at.kit
    assert at.kit.gateway_env
    env = {**at.kit.gateway_env, checkpoint_options.VARIABLE: str(place)}
    return replace(at, kit=replace(at.kit, gateway_env=env))


def _witness(at: Deployment) -> Path:
    assert at.kit
    assert at.kit.gateway_env
    return Path(at.kit.gateway_env[checkpoint_options.VARIABLE])


async def test_W3_20_passes_and_fails_where_checkpoints_stopped(
    at: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy is the place as it was: no call since then is covered by it."""
    monkeypatch.setattr(week, "FRESH_SECONDS", 2.0)
    await at.call(at.one_each()[0])
    await passes(week.checkpoints, at)
    shutil.copytree(_witness(at), tmp_path / "old")
    await fails(week.checkpoints, _witnessed_at(at, tmp_path / "old"), "not covered within")
    await fails(week.checkpoints, _witnessed_at(at, tmp_path / "empty"), "none is there")


async def test_W3_20_fails_in_the_databases_own_folder(at: Deployment, tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("16")
    inside = _witnessed_at(at, tmp_path / "witness")
    await fails(week.checkpoints, inside, "the database's own folder")


async def test_W3_20_fails_where_a_role_of_the_ledger_can_write_files(
    at: Deployment, stack: Stack
) -> None:
    connection = await asyncpg.connect(with_database(stack.filler().postgres, "ledger"))
    try:
        await connection.execute("GRANT pg_write_server_files TO audit_owner")
        await fails(week.checkpoints, at, "audit_owner can write files")
    finally:
        await connection.execute("REVOKE pg_write_server_files FROM audit_owner")
        await connection.close()


async def test_W3_20_fails_when_a_checkpoint_was_altered(at: Deployment) -> None:
    """One that is altered where the gateway goes on adding: it is found all the same."""
    await at.call(at.one_each()[0])
    await passes(week.checkpoints, at)
    file = min(path for path in _witness(at).rglob("*") if path.is_file())
    was = file.read_bytes()
    file.chmod(0o600)
    try:
        file.write_bytes(was.replace(b" 1 ", b" 2 ", 1))
        await fails(week.checkpoints, at, "CHECKPOINT-ROOT")
    finally:
        file.write_bytes(was)
        file.chmod(0o444)


async def test_W3_20_waits_where_no_place_is_named(at: Deployment) -> None:
    assert at.kit
    nowhere = replace(at, kit=replace(at.kit, gateway_env={}))
    await waits(week.checkpoints, nowhere, "outside the database")
