"""A person asks for erasure: what can be read before and not after, and what still verifies."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path

from mcp_gateway.audit import keys
from mcp_gateway.audit.duties import erase, two_names
from mcp_gateway.audit.duties.two_names import NotApprovedError
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.payload import load_keks
from mcp_local import environment
from mcp_local.backup_tools import tool
from mcp_playbook.drill.rehearsal import NotAsExpectedError, Rehearsal
from mcp_playbook.drill.stage import Stage

OFFICER, OPERATOR = "the data-protection officer", "an operator"
LEDGER = "ledger"
RID = "SELECT rid FROM audit.record WHERE seg = $1 AND seq = $2"


class Expect(StrEnum):
    OPENS = "before, an auditor with the key reads what was asked for, and is on the record"
    DRY = "a dry run says what goes and what stays, and changes nothing"
    TWO = "one name alone erases nothing"
    GONE = "after it the arguments cannot be read any more"
    OTHERS = "other people's arguments still can"
    VERIFIES = "every record, block and checkpoint still verifies"
    PROVES = "and the person's receipt proves their call as before"
    BACKUP = "a dump made before holds no argument in the clear"
    ONWARD = "new calls are answered and recorded"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    wanted = ask.sealed()
    if wanted is None:
        raise NotAsExpectedError("no policy line says keep: encrypted")
    word = f"canary-{stage.stack.here.gateway_port}"
    wanted = wanted.model_copy(update={"arguments": {**wanted.arguments, "text": word}})
    other = await ask(wanted.model_copy(update={"person": await _another(drill, wanted.person)}))
    seen = await ask(wanted)
    for one in (seen, other):
        drill.saw(one)
        if one.receipt is None:
            raise NotAsExpectedError(f"no receipt: {one}")
    rid, others = await _rid(stage, seen.receipt), await _rid(stage, other.receipt)
    shown = await stage.gateway("mcp_gateway.audit", "open", "--rid", rid)
    drill.saw(f"audit open --rid {rid}: {shown.stdout.strip() or shown.stderr.strip()}")
    drill.expect(Expect.OPENS, word in shown.stdout, f"exit {shown.returncode}")

    text = await asyncio.to_thread(tool, "pg_dump", stage.superuser(LEDGER))
    clear = word in text or word.encode().hex() in text
    drill.expect(Expect.BACKUP, not clear, f"{len(text):,} bytes of dump")

    who = ("--person", wanted.person)
    dry = await stage.gateway("mcp_gateway.audit", "erase", *who)
    drill.saw(f"make audit-erase PERSON={wanted.person}:\n{dry.stdout.strip()}")
    drill.expect(Expect.DRY, "nothing was changed" in dry.stdout, dry.stderr.strip())
    async with _place(stage) as place:
        person = await erase.find(
            place.reader_url, load_keks(place.keyring), wanted.person, by_subject=False
        )
        number = await two_names.propose(place.ledger, "erase", person.scope(), OFFICER)
        drill.incident(f"the request is granted: {OFFICER} proposes it")
        try:
            await erase.erase(place, person, proposal=number, by=OFFICER)
            drill.expect(Expect.TWO, held=False, seen="it was erased")
        except NotApprovedError as refused:
            drill.expect(Expect.TWO, held=True, seen=refused)
        gone = await erase.erase(place, person, proposal=number, by=OPERATOR)
    drill.recovery(f"{OPERATOR} approves it: {gone} keys are destroyed")

    after = await stage.gateway("mcp_gateway.audit", "open", "--rid", rid)
    drill.saw(f"audit open --rid {rid} (exit {after.returncode}): {after.stderr.strip()}")
    drill.expect(Expect.GONE, after.returncode != 0 and word not in after.stdout, after.stderr)
    kept = await stage.gateway("mcp_gateway.audit", "open", "--rid", others)
    drill.expect(Expect.OTHERS, word in kept.stdout, kept.stderr.strip())
    await drill.verifies(Expect.VERIFIES)
    told = await stage.receipt(seen.receipt or {})
    drill.saw(f"the person's receipt: {told.stdout.strip()}")
    drill.expect(Expect.PROVES, told.returncode == 0, f"exit {told.returncode}")
    again = await ask(other.call)
    drill.saw(again)
    drill.expect(Expect.ONWARD, again.arrived, again)


async def _another(drill: Rehearsal, person: str) -> str:
    """Somebody else who may make such a call."""
    other = drill.callers.by_another(person)
    if other is None:
        raise NotAsExpectedError("nobody else may call anything")
    return other.person


async def _rid(stage: Stage, receipt: object) -> str:
    place = receipt if isinstance(receipt, dict) else {}
    (row,) = await stage.ledger(RID, place["segment"], place["seq"])
    return str(row["rid"])


@contextlib.asynccontextmanager
async def _place(stage: Stage) -> AsyncIterator[erase.Place]:
    filler = stage.stack.filler()
    env = environment.of_process(filler.plan.part("gateway"), filler)
    keyring = Path(env["GATEWAY_KEYS"])
    ledger = await Ledger.open(env["GATEWAY_LEDGER_URL"], keyring / keys.PRIVATE_NAME, "operator")
    try:
        yield erase.Place(
            ledger, env["GATEWAY_LEDGER_READER_URL"], stage.superuser(LEDGER), keyring,
            keys.load_public(keyring / keys.PUBLIC_NAME),
        )  # fmt: skip
    finally:
        await ledger.aclose()
