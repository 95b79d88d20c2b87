"""All is lost but the backup and the keys: a new stack is made of them, and proves itself."""

import asyncio
import shutil
import time
from enum import StrEnum
from pathlib import Path

from mcp_local import backup, backup_restore, control, postgres
from mcp_local.place import Place
from mcp_playbook.drill.rehearsal import Rehearsal

COUNT = "SELECT count(*), array_agg(DISTINCT seg) AS segments FROM audit.record"
READY_SECONDS = 180.0
BACK_SECONDS = 30.0


class Expect(StrEnum):
    VERIFIES = "the restored ledger verifies with the keys that were kept apart"
    WHOLE = "it holds every record up to the backup"
    BLOCKED = "who was blocked before the backup is blocked still"
    CALLS = "everybody else is answered as before, once they have signed in anew"
    LOST = "a call after the backup is gone, and its caller's receipt says that a restore lost it"
    STATED = "the verifier names the restore and the lost range, and raises no alarm for ever"
    ONWARD = "the ledger goes on: new calls are recorded, and all of it verifies"


async def rehearse(drill: Rehearsal) -> None:
    here, ask = drill.stage.stack.here, drill.callers
    outside = here.run.with_suffix(".backup")
    try:
        await _rehearse(drill, here, outside)
    finally:
        shutil.rmtree(outside, ignore_errors=True)
        ask.forget()


async def _rehearse(drill: Rehearsal, here: Place, outside: Path) -> None:
    stage, ask = drill.stage, drill.callers
    before = await drill.before(*ask.reads())
    blocked = before[-1].call
    drill.saw(await stage.switch("block", "--person", blocked.person, "--reason", "a drill"))
    (kept,) = await stage.ledger(COUNT)
    begun = time.monotonic()
    made = await asyncio.to_thread(
        backup.back_up, drill.stage.superuser("postgres"), here.secrets,
        outside / "dumps", outside / "keys",
    )  # fmt: skip
    seconds = time.monotonic() - begun
    drill.saw(f"make backup in {seconds:.1f} s: {len(made.files)} files, {made.bytes / 1024:,.0f} "
              "KiB; the keys in another folder")  # fmt: skip
    drill.facts |= {"backup_seconds": round(seconds, 2), "backup_bytes": made.bytes}
    drill.saw(late := await ask(before[0].call), "after the backup: ")

    await asyncio.to_thread(control.stop, here)
    witness = outside / "witness"
    shutil.copytree(here.run / "witness", witness)
    postgres.remove(here.run / "postgres")
    shutil.rmtree(here.run)
    drill.incident("the machine is gone: databases, logs, keys; the checkpoints were elsewhere")
    begun = time.monotonic()
    shutil.copytree(witness, here.run / "witness")
    said = await asyncio.to_thread(
        backup_restore.restore, here, backup.read(made.dumps, made.keys),
        checkpoints=str(witness), replace=False,
    )  # fmt: skip
    drill.recovery(
        f"make restore in {time.monotonic() - begun:.1f} s, with the keys put back:\n{said}"
    )
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
    finding = next((row for row in told.stdout.splitlines() if "RE" in row[:6]), "none")
    finding = " ".join(finding.split())
    drill.saw(f"the receipt of the call after the backup (exit {told.returncode}): {finding}")
    drill.expect(Expect.LOST, finding.startswith("RESTORED"), finding)
    verified = await stage.audit()
    stated = "RESTORED  restored" in verified.stdout and verified.returncode == 0
    drill.expect(Expect.STATED, stated, f"exit {verified.returncode}")
    await drill.verifies(Expect.ONWARD)
