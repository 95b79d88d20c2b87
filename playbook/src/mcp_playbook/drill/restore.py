"""All is lost but the backup and the keys: a new stack is made of them, and proves itself."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mcp_local import control, postgres
from mcp_local.place import Place, prepare
from mcp_local.ports import free_port
from mcp_local.postgres_home import unprivileged
from mcp_local.secret_files import Secrets
from mcp_playbook.drill.pg_tools import dump, tool
from mcp_playbook.drill.rehearsal import Rehearsal

DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
SUPERUSER = "CREATE ROLE postgres;"  # in every dump of roles; initdb has made it already
COUNT = "SELECT count(*), array_agg(DISTINCT seg) AS segments FROM audit.record"
READY_SECONDS = 180.0
BACK_SECONDS = 30.0


class Expect(StrEnum):
    VERIFIES = "the restored ledger verifies with the keys that were kept apart"
    WHOLE = "it holds every record up to the backup"
    BLOCKED = "who was blocked before the backup is blocked still"
    CALLS = "everybody else is answered as before, once they have signed in anew"
    LOST = "a call after the backup is gone, and its caller's receipt shows it"
    ONWARD = "the ledger goes on: new calls are recorded, and all of it verifies"


@dataclass(frozen=True)
class Backup:
    """What is kept of a stack: dumps in one folder, keys and passwords in another."""

    dumps: Path
    keys: Path

    @property
    def roles(self) -> Path:
        return self.dumps / "roles.sql"


async def rehearse(drill: Rehearsal) -> None:
    here, ask = drill.stage.stack.here, drill.callers
    outside = here.run.with_suffix(".backup")
    try:
        await _rehearse(drill, here, Backup(outside / "dumps", outside / "keys"))
    finally:
        shutil.rmtree(outside, ignore_errors=True)
        ask.forget()


async def _rehearse(drill: Rehearsal, here: Place, backup: Backup) -> None:
    stage, ask = drill.stage, drill.callers
    before = await drill.before(*ask.reads())
    blocked = before[-1].call
    drill.saw(await stage.switch("block", "--person", blocked.person, "--reason", "a drill"))
    (kept,) = await stage.ledger(COUNT)
    await _back_up(drill, here, backup)
    drill.saw(late := await ask(before[0].call), "after the backup: ")

    await asyncio.to_thread(control.stop, here)
    postgres.remove(here.run / "postgres")
    shutil.rmtree(here.run)
    drill.incident("the machine is gone: databases, logs, keys")
    begun = time.monotonic()
    prepare(here)
    shutil.copytree(backup.keys, here.secrets, dirs_exist_ok=True)
    drill.recovery("on a new one the keys are put back from where they were kept")
    await _fill(drill, here, backup)
    control.start(here, stage.stack.plan)
    await asyncio.to_thread(control.wait_ready, here, lambda _: None, READY_SECONDS)
    drill.facts["restored_after_seconds"] = round(time.monotonic() - begun, 1)
    drill.recovery(f"the stack is well, {time.monotonic() - begun:.1f} s after the loss")

    await drill.verifies(Expect.VERIFIES)
    (now,) = await stage.ledger(f"{COUNT} WHERE seg = ANY($1)", kept["segments"])
    drill.saw(f"records in the ledger at the backup: {kept['count']}; restored: {now['count']}")
    drill.expect(Expect.WHOLE, now["count"] == kept["count"], now["count"])
    ask.forget()
    drill.saw(seen := await ask(blocked), "blocked before the backup: ")
    drill.expect(Expect.BLOCKED, seen.status == 403, seen)
    drill.saw(await stage.switch("unblock", "--person", blocked.person, "--reason", "a drill"))
    await drill.again(Expect.CALLS, before, BACK_SECONDS)
    told = await stage.receipt(late.receipt or {})
    finding = next((row for row in told.stdout.splitlines() if "RECEIPT" in row), "none")
    finding = " ".join(finding.split())
    drill.saw(f"the receipt of the call after the backup (exit {told.returncode}): {finding}")
    drill.expect(Expect.LOST, finding.startswith("RECEIPT-TRUNCATED"), finding)
    await drill.verifies(Expect.ONWARD)


async def _back_up(drill: Rehearsal, here: Place, backup: Backup) -> None:
    """While the stack runs: each dump is one snapshot of its database."""
    begun = time.monotonic()
    backup.dumps.mkdir(parents=True, mode=0o700)
    shutil.copytree(here.secrets, backup.keys)
    server = drill.stage.superuser("postgres")
    roles = await tool("pg_dumpall", server, "--roles-only")
    backup.roles.write_text(roles.replace(SUPERUSER, ""), "utf-8")
    sizes = {
        name: await dump(drill.stage.superuser(name), backup.dumps / f"{name}.dump")
        for name in await _databases(server)
    }
    shown = ", ".join(f"{name} {size / 1024:,.0f} KiB" for name, size in sizes.items())
    seconds = time.monotonic() - begun
    drill.saw(f"backup in {seconds:.1f} s: {shown}; the keys in another folder")
    drill.facts |= {"backup_seconds": round(seconds, 2), "backup_bytes": sum(sizes.values())}


async def _databases(server: str) -> list[str]:
    listed = await tool("psql", server, "--tuples-only", "--no-align", "--command", DATABASES)
    return sorted(listed.split())


async def _fill(drill: Rehearsal, here: Place, backup: Backup) -> None:
    begun = time.monotonic()
    async with _new_cluster(here) as server:
        await tool("psql", server, "--quiet", "--set=ON_ERROR_STOP=1", f"--file={backup.roles}")
        for file in sorted(backup.dumps.glob("*.dump")):
            await tool("pg_restore", server, "--create", "--exit-on-error", str(file))
    seconds = time.monotonic() - begun
    drill.recovery(f"a new cluster, its roles, and every database with pg_restore: {seconds:.1f} s")


@contextlib.asynccontextmanager
async def _new_cluster(here: Place) -> AsyncIterator[str]:
    """The superuser's URL of an empty cluster where the stack will look for it."""
    password = Secrets(here.secrets).get("postgres-superuser")
    home = postgres.home(here.run / "postgres")
    await asyncio.to_thread(postgres.initialise, home.data, password, home.binaries)
    server = postgres.Postgres(port=free_port(), password=password)
    command = postgres.command(home.data, server.port, None, home.binaries)
    with (here.logs / "restore.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, cwd="/", stdout=log, stderr=log, **unprivileged()
        )
        try:
            while not await postgres.answers(server.url()):
                if process.returncode is not None:
                    raise control.StackError(f"PostgreSQL did not start; see {log.name}")
                await asyncio.sleep(0.1)
            yield server.url()
        finally:
            process.terminate()  # smart shutdown: all tools have ended
            await asyncio.wait_for(process.wait(), postgres.START_SECONDS)
