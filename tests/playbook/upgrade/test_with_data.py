"""From an earlier commit to this one, with people's data in place: nothing is lost, all verifies.

In order, on one stack: a version is looked at; one that fails is gone back from as it says; one that
works is taken, and everything compared.
"""

import asyncio
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from playbook.upgrade import earlier
from playbook.upgrade.earlier import BROKEN, MIGRATION, NEXT, Clone

from mcp_gateway.audit import keys
from mcp_gateway.audit.verify import verify
from mcp_local import ledger_view
from mcp_local.fill import Filler, with_database
from mcp_local.governed import Call, Outcome
from mcp_local.governed import make as call
from mcp_playbook.upgrade import standing

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not earlier.has_history(),
        reason=f"the history is not here, so there is no earlier commit {earlier.EARLIER[:7]} to "
        "upgrade from: clone without --depth, or git fetch --unshallow",
    ),
]
NOTE = Call(
    person="ben", server="crm", tool="log_note", expect="allowed",
    arguments={"account": "11", "text": "Asked about rebates.", "idempotency_key": "upgrade-0001"},
)  # fmt: skip
BLOCKED = "crm_list_deals"  # ben's demo call


@dataclass
class Before:
    """What people had done by then."""

    head: str
    rows: dict[str, int]
    outbox: list[tuple[Any, ...]]
    receipts: list[dict[str, Any]]


@pytest.fixture(scope="module")
def clone(run_folder: Path) -> Iterator[Clone]:
    made = earlier.make(run_folder / "upgrade")
    try:
        up = made.run("-m", "mcp_local", "up", "--no-calls")
        assert up.returncode == 0, up.stdout + up.stderr
        yield made
    finally:
        made.run("-m", "mcp_local", "clean")


@pytest.fixture(scope="module")
def before(clone: Clone) -> Before:
    assert noted(clone).decision == "allowed"
    blocked = clone.in_gateway(
        "mcp_gateway.switches", "block", "--tool", BLOCKED, "--reason", "prices are wrong"
    )
    assert blocked.returncode == 0, blocked.stderr
    taken = standing.taken(clone.stack)
    assert taken.receipts
    filler = clone.stack.filler()
    return Before(clone.git("rev-parse", "HEAD"), rows(filler), outbox(filler), taken.receipts)


def noted(clone: Clone) -> Outcome:
    here = clone.stack.here
    endpoint = f"{here.issuer}/protocol/openid-connect/token"
    return asyncio.run(
        call([NOTE], f"{here.gateway}/mcp", endpoint, here.secrets / "demo-password")
    )[0]


def ask(filler: Filler, database: str, query: str) -> list[tuple[Any, ...]]:
    async def asked() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(with_database(filler.postgres, database))
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(asked())


def rows(filler: Filler) -> dict[str, int]:
    counted = {
        "docs.page": ("docs", "count(*)"),
        "docs.section": ("docs", "count(*)"),
        # a later version may read the same words otherwise, but every section can be found
        "docs.posting": ("docs", "count(DISTINCT section_id)"),
        "outbox.write": ("crm", "count(*)"),
    }
    return {
        table: ask(filler, database, f"SELECT {what} FROM {table}")[0][0]
        for table, (database, what) in counted.items()
    }


def outbox(filler: Filler) -> list[tuple[Any, ...]]:
    return ask(filler, "crm", "SELECT marker, tool, subject, state, result::text FROM outbox.write")


def sound(filler: Filler) -> bool:
    trusted = keys.load_public(filler.place.secrets / keys.PUBLIC_NAME)
    return asyncio.run(verify(ledger_view.reader_url(filler), trusted)).sound


def rights(told: str) -> str:
    """The policy version that the command asks to agree to."""
    return told.rpartition("RIGHTS=")[2].split()[0]


@pytest.fixture(scope="module")
def foreseen(clone: Clone, before: Before) -> str:
    done = clone.upgrade(NEXT, "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_check_foresees_everything_and_the_stack_runs_on(
    clone: Clone, before: Before, foreseen: str
) -> None:
    for words in (
        f"new      {MIGRATION}",
        "docs tool read_doc: rates {contractor: 20/60s} → {contractor: 15/60s}",
        "your side stays, as they are yours\n  gateway/agents.yaml",
        "records, ",  # the verifier's own words
        "ledger.pem",
        "Kit files changed here since",
    ):
        assert words in foreseen
    assert clone.git("rev-parse", "HEAD") == before.head
    assert standing.state(clone.stack) == "well"


def test_a_version_whose_migration_fails_is_gone_back_from_by_what_it_prints(
    clone: Clone, before: Before, foreseen: str
) -> None:
    done = clone.upgrade(BROKEN, "--rights", rights(foreseen))
    assert done.returncode == 1, done.stdout
    assert "The stack does not start: docs: " in done.stdout
    assert "no_such_column" in done.stdout
    commands = [line.strip() for line in done.stderr.splitlines() if line.startswith("  ")]
    assert [command.split()[0] for command in commands] == [
        "make", ".venv/bin/python", "git", "make",
    ]  # fmt: skip
    assert clone.upgrade(NEXT, "--rights", rights(foreseen)).returncode == 2, "one at a time"
    restoring = commands[1].partition("mcp_playbook.upgrade ")[2]
    early = clone.upgrade(*shlex.split(restoring))
    assert early.returncode == 1
    assert "`make down` first" in early.stderr
    assert clone.run("-m", "mcp_local", "down").returncode == 0
    restored = clone.upgrade(*shlex.split(restoring))
    assert restored.returncode == 0, restored.stdout + restored.stderr
    clone.git(*shlex.split(commands[2])[1:])
    up = clone.run("-m", "mcp_local", "up", "--no-calls")
    assert up.returncode == 0, up.stdout + up.stderr
    assert clone.git("rev-parse", "HEAD") == before.head


def test_gone_back_means_the_data_of_the_backup_and_a_dump_of_what_came_after(
    clone: Clone, before: Before
) -> None:
    filler = clone.stack.filler()
    assert sound(filler)
    assert rows(filler) == before.rows
    assert outbox(filler) == before.outbox
    assert ask(filler, "docs", "SELECT to_regclass('docs.upgraded')") == [(None,)]
    made, replaced = sorted((clone.root / ".run" / "backups").iterdir())
    assert replaced.name.endswith(".replaced")
    assert (replaced / "ledger.dump").is_file()
    assert any((clone.root / ".run" / "witness").iterdir()), "a statement says what was lost"
    assert not (replaced / "witness").exists()
    kept = json.loads((made / "backup.json").read_text())
    assert kept["commit"] == before.head
    assert any(key.endswith("ledger.pem") for key in kept["keys to keep apart"])
    assert not [file for file in made.iterdir() if file.suffix == ".pem"]


def test_it_is_taken_and_everything_stands_as_before(
    clone: Clone, before: Before, foreseen: str
) -> None:
    version = rights(foreseen)
    done = clone.upgrade(NEXT, "--rights", version)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in (
        "records from before are there, and the last 10 receipts still prove theirs",
        "ended as before",
        "The ledger verifies across the upgrade",
        f"policy {version} (was ",
        "Done: this clone has",
    ):
        assert words in done.stdout
    assert clone.git("rev-parse", "HEAD^1") == before.head
    assert (clone.root / MIGRATION).is_file()
    assert "cursor: { may: [read]" in (clone.root / "gateway" / "agents.yaml").read_text()
    assert {server.name for server in clone.stack.plan.servers()} == {"crm", "docs"}
    assert not clone.git("status", "--porcelain")


def test_records_and_receipts_from_before_verify_with_the_new_version(
    clone: Clone, before: Before, tmp_path: Path
) -> None:
    verified = clone.in_gateway("mcp_gateway.audit", "verify", "--json")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert json.loads(verified.stdout)["segments"] > 1
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(before.receipts[-1]))
    proved = clone.in_gateway("mcp_gateway.audit", "verify", "--receipt", str(receipt))
    assert "and the ledger still holds it" in proved.stdout


def test_the_upgrade_is_on_record_with_the_policy_before_and_after(
    clone: Clone, before: Before
) -> None:
    found = ask(
        clone.stack.filler(), "ledger",
        "SELECT convert_from(body, 'UTF8') FROM audit.record WHERE reason = 'kit_upgraded'",
    )  # fmt: skip
    assert len(found) == 1
    detail = json.loads(found[0][0])["detail"]
    assert detail["commit_before"] == before.head
    assert detail["policy_before"] != detail["policy_after"]
    assert any("docs tool read_doc: rates" in line for line in detail["changed"])
    assert " on " in detail["by"]


def test_a_block_made_before_still_holds(clone: Clone, before: Before) -> None:
    assert BLOCKED in clone.in_gateway("mcp_gateway.switches", "list").stdout
    made = {tool: decision for _, tool, decision in standing.made(clone.stack.filler())}
    assert made[BLOCKED] == "failed"
    assert made["crm_get_account"] == "allowed"


def test_index_and_outbox_are_there_and_a_repeated_write_is_not_made_twice(
    clone: Clone, before: Before
) -> None:
    filler = clone.stack.filler()
    assert before.rows["docs.page"] > 10
    assert before.rows["outbox.write"] == 1
    assert noted(clone).decision == "allowed"
    assert rows(filler) == before.rows
    assert outbox(filler) == before.outbox


def test_the_migration_ran_over_the_data_that_was_there(clone: Clone, before: Before) -> None:
    filler = clone.stack.filler()
    assert ask(filler, "docs", "SELECT pages FROM docs.upgraded") == [(before.rows["docs.page"],)]
    assert ask(filler, "docs", "SELECT bool_and(upgraded) FROM docs.page") == [(True,)]
