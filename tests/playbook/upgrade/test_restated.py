"""A backup that an upgrade goes back to: what that lost is stated, and its checkpoints stay."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.directory import Directory
from mcp_gateway.audit.checkpoints.job import Checkpointing
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.audit.payload import create_kek
from mcp_gateway.audit.verify import verify
from mcp_local import postgres
from mcp_local.place import Place
from mcp_local.secret_files import Secrets
from mcp_playbook.upgrade.backup import Backup
from mcp_playbook.upgrade.restated import LEDGER, restate

ROOT = Path(__file__).parents[3]
NAME = "ledger.example/upgrade"


async def written_and_cut(server: postgres.Postgres, here: Place) -> None:
    """Five records with a checkpoint after them; the database then comes back with three."""
    secrets = Secrets(here.secrets)
    await _sql(server.url(), f"CREATE DATABASE {LEDGER}")
    await migrate(
        server.url(LEDGER),
        secrets.get("postgres-audit_writer"),
        secrets.get("postgres-audit_reader"),
    )
    keys.create(here.secrets / keys.PRIVATE_NAME)
    create_kek(here.secrets)
    checkpoint_key.create(here.secrets)
    signer = checkpoint_key.signer(here.secrets, NAME)
    checkpoint_key.publish(signer.verifier, here.secrets / checkpoint_key.PUBLIC_NAME)
    writer = server.url(LEDGER, "audit_writer", secrets.get("postgres-audit_writer"))
    ledger = await Ledger.open(writer, here.secrets / keys.PRIVATE_NAME, "replica-1")
    for n in range(4):
        await ledger.append("event", {"reason": f"of {n}"})
    folder = here.run / "witness"
    job = Checkpointing(reader(server, here), lambda: Directory(folder), signer, 3600,
                        [signer.verifier])  # fmt: skip
    await job.once()
    job._step_down()
    await ledger.aclose()
    await _sql(
        server.url(LEDGER), "SET session_replication_role = replica",
        "DELETE FROM audit.record WHERE seq > 3", "DELETE FROM audit.block WHERE first_seq > 3",
    )  # fmt: skip


async def _sql(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def reader(server: postgres.Postgres, here: Place) -> str:
    return server.url(LEDGER, "audit_reader", Secrets(here.secrets).get("postgres-audit_reader"))


def checked(server: postgres.Postgres, here: Place) -> Report:
    trusted = checkpoint_key.verifiers(here.secrets / checkpoint_key.PUBLIC_NAME)
    witnessed = checkpoint_check.read(Directory(here.run / "witness"), trusted)
    public = keys.load_public(here.secrets / keys.PUBLIC_NAME)
    return asyncio.run(verify(reader(server, here), public, witnessed=witnessed))


@pytest.mark.timeout(120)
def test_what_going_back_lost_is_stated_and_verifies_with_the_checkpoints(tmp_path: Path) -> None:
    here = Place(ROOT, tmp_path / "run")
    here.secrets.mkdir(parents=True)
    with postgres.running(tmp_path / "postgres") as server:
        asyncio.run(written_and_cut(server, here))
        assert {one.kind for one in checked(server, here).findings} == {"TRUNCATED"}
        gone_back = Backup(tmp_path / "of-noon", {LEDGER: ""}, datetime.now(UTC).isoformat())
        said = restate(here, server.url(), gone_back, str(here.run / "witness"))
        assert said is not None
        assert "from of-noon; lost: " in said
        report = checked(server, here)
        assert (report.sound, len(report.restored)) == (True, 1), report.findings
        asyncio.run(_sql(server.url(LEDGER), "DROP TABLE audit.restored"))
        assert restate(here, server.url(), gone_back, None) is None, "a version before statements"
