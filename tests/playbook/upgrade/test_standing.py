"""What is noticed when something does not stand as before: records, receipts, calls, the backup."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from gateway.audit.conftest import READER, WRITER, Place

from mcp_gateway.audit import keys
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.migrate import migrate
from mcp_local import postgres
from mcp_playbook.upgrade import after, backup, standing
from mcp_playbook.upgrade.backup import BackupError
from mcp_playbook.upgrade.standing import Otherwise, Standing
from mcp_playbook.upgrade.state import Upgrade


@dataclass(frozen=True)
class Kept:
    """A ledger with twelve calls of ana's, and what it stood for then."""

    place: Place
    trusted: Keys
    before: Standing

    async def lost(self) -> list[str]:
        return await standing.lost(self.place.reader, self.trusted, self.before)


@pytest_asyncio.fixture
async def kept(
    postgres_server: postgres.Postgres, database: str, tmp_path: Path
) -> AsyncIterator[Kept]:
    await migrate(database, WRITER, READER)
    name = database.rpartition("/")[2]
    writer = postgres_server.url(name, "audit_writer", WRITER)
    reader = postgres_server.url(name, "audit_reader", READER)
    key = tmp_path / keys.PRIVATE_NAME
    keys.create(key)
    place = Place(database, writer, reader, key)
    async with place.opened() as ledger:
        for number in range(12):
            await ledger.append("intent", {"rid": f"r-{number}", "person": "ana", "policy": "a1b2"})
    trusted = keys.load_public(place.public)
    yield Kept(place, trusted, await standing.read(reader, trusted))


async def test_a_ledger_that_has_only_grown_has_lost_nothing(kept: Kept) -> None:
    async with kept.place.opened() as ledger:
        await ledger.append("intent", {"rid": "r-more", "person": "ben"})
    assert len(kept.before.receipts) == standing.RECEIPTS
    assert kept.before.policy == "a1b2"
    assert await kept.lost() == []


async def test_a_cut_tail_is_noticed_though_what_is_left_verifies(kept: Kept) -> None:
    last = max(kept.before.ends.values())
    await kept.place.sql(
        f"DELETE FROM audit.record WHERE seq > {last - 2}",
        f"DELETE FROM audit.block WHERE first_seq > {last - 2}",
    )
    lost = await kept.lost()
    assert any(f"ended at record {last} and ends at {last - 2} now" in line for line in lost)
    assert any("no longer there" in line for line in lost)


async def test_a_whole_segment_that_is_gone_is_noticed(kept: Kept) -> None:
    await kept.place.sql(
        "DELETE FROM audit.record", "DELETE FROM audit.block", "DELETE FROM audit.segment"
    )
    assert any("ends at 0 now" in line for line in await kept.lost())


async def test_another_record_in_the_place_of_one_is_noticed(kept: Kept) -> None:
    await kept.place.sql("UPDATE audit.record SET body = '{\"v\": 1}' WHERE seq = 12")
    assert any("another record stands there" in line for line in await kept.lost())


def test_calls_that_end_otherwise_are_told_new_ones_are_not() -> None:
    before = [["ana", "docs_read_doc", "allowed"], ["ben", "crm_log_note", "allowed"]]
    now = [
        ["ana", "docs_read_doc", "refused"], ["ben", "crm_log_note", "allowed"],
        ["cho", "crm_new_tool", "refused"],
    ]  # fmt: skip
    assert list(standing.otherwise(before, now)) == [
        Otherwise("ana", "docs_read_doc", "allowed", "refused")
    ]


@pytest.mark.parametrize(
    ("rights", "problems"),
    [
        ([], 1),
        (["docs tool read_doc: roles [analyst] → [support]"], 0),
        (["docs tool read_docs: roles [analyst] → [support]"], 1),
        (["agent codex-cli: {may: [read]} → nothing"], 0),
        (["rate of server docs: nothing → 5/60s"], 0),
        (["rate of server crm: nothing → 5/60s"], 1),
    ],
)
def test_a_call_may_end_otherwise_only_where_a_right_was_changed(
    rights: list[str], problems: int
) -> None:
    upgrade = Upgrade(
        to="v2", name="v2", before="a", after="b", running=True,
        policy_before="old", policy_after="new", rights=rights,
    )  # fmt: skip
    before = Standing(calls=[["ana", "docs_read_doc", "allowed"]])
    now = Standing(calls=[["ana", "docs_read_doc", "refused"]], policy="new")
    assert len(after.calls(upgrade, before, now)) == problems


def test_calls_decided_by_another_policy_than_the_one_shown_are_a_problem() -> None:
    upgrade = Upgrade(
        to="v2", name="v2", before="a", after="b", running=True,
        policy_before="old", policy_after="new",
    )  # fmt: skip
    calls = [["ana", "docs_read_doc", "allowed"]]
    assert after.policy(upgrade, Standing(calls=calls, policy="new")) == []
    assert after.policy(upgrade, Standing(calls=calls, policy="old")) == [
        "Calls are decided by policy old, not by new."
    ]


def test_a_backup_is_read_only_as_it_was_written(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="is not a backup"):
        backup.read(tmp_path)
    (tmp_path / "ledger.dump").write_bytes(b"records")
    digest = "5b9a8dbdd31ab8b8fdbbe0ee3f5ae13aa4cbb8c7b3d1a5bd2b9d1b4e6e0f2a11"
    manifest = {"made": "2026-11-02T08:00:00+00:00", "databases": {"ledger": digest}}
    (tmp_path / "backup.json").write_text(json.dumps(manifest))
    with pytest.raises(BackupError, match="ledger is not as it was written"):
        backup.read(tmp_path)


def test_a_dump_that_fails_says_why_and_names_no_password() -> None:
    with pytest.raises(BackupError, match="pg_dump failed") as failed:
        backup.tool("pg_dump", "postgresql://ana:the-secret@127.0.0.1:1/none", "--schema-only")
    assert "the-secret" not in str(failed.value)
