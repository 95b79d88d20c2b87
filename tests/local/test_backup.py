"""Back up, write more, lose everything, restore: what comes back verifies, and what does not is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from mcp_gateway.audit import keys
from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.directory import Directory
from mcp_gateway.audit.checkpoints.job import Checkpointing
from mcp_gateway.audit.duties import erase
from mcp_gateway.audit.findings import Report
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.migrate import migrate
from mcp_gateway.audit.payload import KEK_NAME, Vault, load_kek
from mcp_gateway.audit.verify import verify
from mcp_local import backup, backup_restore, postgres
from mcp_local.backup import BackupError
from mcp_local.place import Place, prepare
from mcp_local.postgres import Postgres
from mcp_local.secret_files import Secrets
from mcp_local.stack import place_for_test


class Stack:
    """As much of one as a backup meets: a cluster with a ledger in it, keys, a witness."""

    def __init__(self, folder: Path) -> None:
        self.here: Place = place_for_test(folder / "run")
        prepare(self.here)
        self.secrets = Secrets(self.here.secrets)
        self.secrets.make_keys()
        checkpoint_key.create(self.here.secrets)
        self.witness = folder / "witness"
        self.signer = checkpoint_key.signer(self.here.secrets, "ledger.example/desk")
        checkpoint_key.publish(self.signer.verifier, self.here.secrets / checkpoint_key.PUBLIC_NAME)
        self.folders = (folder / "elsewhere" / "dumps", folder / "vault" / "keys")

    @property
    def pem(self) -> Path:
        return self.here.secrets / keys.PRIVATE_NAME

    def login(self, server: Postgres, role: str) -> str:
        return server.url("ledger", role, self.secrets.get(f"postgres-{role}"))

    async def prepare(self, server: Postgres) -> None:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CREATE DATABASE ledger")
        await connection.close()
        passwords = [self.secrets.get(f"postgres-audit_{who}") for who in ("writer", "reader")]
        await migrate(server.url("ledger"), *passwords)

    @asynccontextmanager
    async def ledger(self, server: Postgres) -> AsyncIterator[Ledger]:
        ledger = await Ledger.open(self.login(server, "audit_writer"), self.pem, "gateway")
        try:
            yield ledger
        finally:
            await ledger.aclose()

    async def calls(self, server: Postgres, *people: str) -> None:
        vault = Vault(load_kek(self.here.secrets / KEK_NAME))
        async with self.ledger(server) as ledger:
            for n, who in enumerate(people):
                rid = f"{who}-{n}"
                payload = vault.seal("i", who, rid, {"text": who}, bytes(16))
                assert payload is not None
                body: dict[str, Any] = {"rid": rid, "iss": "i", "sub": who, "person": who}
                await ledger.append("intent", body | {"payload": payload.mark()}, payload)
                await ledger.append("outcome", body)

    async def checkpoint(self, server: Postgres) -> None:
        job = Checkpointing(
            self.login(server, "audit_reader"), lambda: Directory(self.witness), self.signer,
            3600.0, [self.signer.verifier],
        )  # fmt: skip
        try:
            await job.once()
        finally:
            await job.aclose()

    async def verified(self, server: Postgres) -> Report:
        seen = checkpoint_check.read(Directory(self.witness), [self.signer.verifier])
        trusted = keys.load_public(self.here.secrets / keys.PUBLIC_NAME)
        return await verify(self.login(server, "audit_reader"), trusted, witnessed=seen)

    def back_up(self, server: Postgres) -> backup.Backup:
        return backup.back_up(server.url(), self.here.secrets, *self.folders)

    def restore(self, *, replace: bool = True) -> str:
        return backup_restore.restore(
            self.here, backup.read(*self.folders), checkpoints=str(self.witness), replace=replace
        )


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


async def rows(server: Postgres, query: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(server.url("ledger"))
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


def test_a_restored_stack_verifies_and_tells_what_was_lost(stack: Stack) -> None:
    async def before(server: Postgres) -> None:
        await stack.prepare(server)
        await stack.calls(server, "ana", "ben")
        await stack.checkpoint(server)

    async def after(server: Postgres) -> None:
        await stack.calls(server, "cleo", "dee", "eve")
        await stack.checkpoint(server)
        found = await stack.verified(server)
        assert found.sound, found.findings

    with backup_restore.cluster(stack.here) as server:
        asyncio.run(before(server))
        made = stack.back_up(server)
        asyncio.run(after(server))
    assert (made.keys / "payload.key").read_bytes()
    assert not any(b"PRIVATE KEY" in file.read_bytes() for file in made.dumps.iterdir())
    with pytest.raises(BackupError, match="REPLACE=1"):
        stack.restore(replace=False)

    said = stack.restore()
    assert f"from {made.name}; lost: " in said

    async def restored(server: Postgres) -> None:
        [count] = await rows(server, "SELECT count(*) AS n FROM audit.record WHERE person = 'ana'")
        assert count["n"] == 2
        await stack.calls(server, "flo")
        await stack.checkpoint(server)
        found = await stack.verified(server)
        assert found.sound, found.findings
        [told] = found.restored
        assert made.name in told
        assert "blocks 1 to " in told
        [event] = await rows(
            server, "SELECT count(*) AS n FROM audit.record WHERE reason = 'ledger_restored'"
        )
        assert event["n"] == 1

    with backup_restore.cluster(stack.here) as server:
        asyncio.run(restored(server))
    postgres.remove(stack.here.run / "postgres")


def test_a_restore_does_not_bring_an_erased_person_back(stack: Stack) -> None:
    async def written(server: Postgres) -> None:
        await stack.prepare(server)
        await stack.calls(server, "ana", "ben")

    async def erased(server: Postgres) -> None:
        kek = load_kek(stack.here.secrets / KEK_NAME)
        [now] = await rows(server, "SELECT clock_timestamp() AS now")
        erase.note(stack.here.secrets, [kek.pseudonym("i", "ana")], now["now"])
        assert await erase.destroy(server.url("ledger"), erase.noted(stack.here.secrets)) == 1

    with backup_restore.cluster(stack.here) as server:
        asyncio.run(written(server))
        stack.back_up(server)
        asyncio.run(erased(server))
    assert "1 keys of erased people came back" in stack.restore()
    with backup_restore.cluster(stack.here) as server:
        [left] = asyncio.run(rows(server, "SELECT count(*) AS n FROM audit.subject_key"))
    assert left["n"] == 1
    postgres.remove(stack.here.run / "postgres")


def cut(folder: Path) -> None:
    file = folder / "ledger.dump"
    file.write_bytes(file.read_bytes()[:-1])


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


@pytest.mark.parametrize("damage", [cut, without("ledger.dump"), without(backup.MANIFEST)])
def test_a_backup_that_is_not_what_was_made_is_refused(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    dumps, kept = tmp_path / "dumps", tmp_path / "keys"
    dumps.mkdir()
    kept.mkdir()
    (kept / "ledger.pem").touch()
    (dumps / "ledger.dump").write_bytes(b"rows")
    whole = backup.digest(dumps / "ledger.dump")
    (dumps / backup.MANIFEST).write_text(
        f'{{"taken": "2026-05-01T00:00:00+00:00", "files": {{"ledger.dump": "{whole}"}}}}'
    )
    assert backup.read(dumps, kept).bytes == 4
    damage(dumps)
    with pytest.raises(BackupError):
        backup.read(dumps, kept)
