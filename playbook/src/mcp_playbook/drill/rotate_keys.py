"""Keys are replaced: the issuer's in time and after a theft, and the one that signs the ledger."""

import asyncio
import base64
import json
import signal
import time
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from mcp_playbook.drill.callers import Seen
from mcp_playbook.drill.rehearsal import Rehearsal, took

# an unknown key id makes a verifier ask the issuer, at most every 30 s
FETCHED_SECONDS = 35.0
BACK_SECONDS = 60.0
PRIVATE, RETIRED = "ledger.pem", "ledger-retired.pem"


class Expect(StrEnum):
    OVERLAP = "rotated in time: tokens of the old key go on"
    NEW = "a token of the new key opens within 35 s"
    STOLEN = "rotated twice and restarted: a token of the withdrawn key is refused"
    OPEN = "and everybody who signs in anew is answered as before"
    LEDGER_KEY = "the ledger goes on under a new key, and what the old one signed still verifies"
    MISSING = "without the old public key the verifier says so"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    before = await drill.before(*ask.reads())
    mine = before[0].call
    old = await ask.token(mine.person)
    first = _kid(old)

    drill.incident(f"the issuer's signing key {first[:8]} is due: kill -HUP of the issuer")
    stage.process("issuer").send_signal(signal.SIGHUP)
    published = await _published(drill, without=first)
    drill.saw(f"published: {', '.join(kid[:8] for kid in published)}")
    drill.saw(seen := await ask(mine, old), f"a token of {first[:8]}: ")
    drill.expect(Expect.OVERLAP, seen.ok and first in published, seen)
    ask.forget()
    second = _kid(await ask.token(mine.person))
    seconds = await ask.until([(seen.call, "ok") for seen in before], FETCHED_SECONDS)
    drill.saw(f"tokens of {second[:8]} open everything {took(seconds, FETCHED_SECONDS)}")
    drill.expect(
        Expect.NEW, seconds is not None and second != first, took(seconds, FETCHED_SECONDS)
    )
    drill.facts["new_key_seconds"] = -1 if seconds is None else round(seconds, 2)

    drill.incident(f"{first[:8]} was stolen: one more kill -HUP withdraws it")
    begun = time.monotonic()
    stage.process("issuer").send_signal(signal.SIGHUP)
    published = await _published(drill, without=second)
    drill.saw(f"published: {', '.join(kid[:8] for kid in published)}")
    drill.saw(seen := await ask(mine, old), f"a token of {first[:8]}, from a verifier's cache: ")
    parts = [*(server.name for server in stage.stack.plan.servers()), "gateway"]
    await asyncio.gather(*(stage.restart(name) for name in parts))
    drill.recovery("servers and gateway are restarted: none keeps a withdrawn key")
    drill.saw(seen := await ask(mine, old), f"a token of {first[:8]}: ")
    drill.expect(Expect.STOLEN, seen.status == 401 and first not in published, seen)
    ask.forget()
    await drill.again(Expect.OPEN, before, BACK_SECONDS)
    drill.facts["stolen_key_seconds"] = round(time.monotonic() - begun, 2)

    await _ledger_key(drill, before)


async def _ledger_key(drill: Rehearsal, before: Sequence[Seen]) -> None:
    stage = drill.stage
    keys: Path = stage.stack.here.secrets
    (keys / PRIVATE).rename(keys / RETIRED)
    await stage.gateway("mcp_gateway.audit", "keygen")
    fresh = (keys / PRIVATE).read_bytes() != (keys / RETIRED).read_bytes()
    drill.incident(f"the ledger's key is due: {PRIVATE} is moved away, audit keygen makes another")
    drill.expect(Expect.LEDGER_KEY, fresh, "the same key")
    await stage.restart("gateway")
    await drill.again(Expect.LEDGER_KEY, before, BACK_SECONDS)
    await drill.verifies(Expect.LEDGER_KEY)
    trusted = (await stage.audit()).stdout.splitlines()[1]
    drill.saw(trusted)
    drill.expect(Expect.LEDGER_KEY, trusted.count(",") >= 1, trusted)
    (keys / RETIRED).unlink()
    drill.recovery("the retired private key is destroyed; its public half stays in ledger.pub")
    await _without_the_old_one(drill, keys)


async def _without_the_old_one(drill: Rehearsal, keys: Path) -> None:
    only_new = drill.stage.stack.here.run / "only-new"
    only_new.mkdir(mode=0o700, exist_ok=True)
    blocks = (keys / "ledger.pub").read_text().split("-----BEGIN")
    (only_new / "ledger.pub").write_text("-----BEGIN" + blocks[-1])
    told = await drill.stage.audit(GATEWAY_KEYS=str(only_new))
    found = next((row for row in told.stdout.splitlines() if "not among the trusted" in row), "")
    drill.saw(f"with the new public key alone (exit {told.returncode}):\n{' '.join(found.split())}")
    drill.expect(Expect.MISSING, told.returncode == 1, f"exit {told.returncode}")


async def _published(drill: Rehearsal, without: str) -> list[str]:
    """The key ids of the issuer, newest first, once the newest is another than this."""
    at = f"{drill.stage.stack.here.issuer}/protocol/openid-connect/certs"
    kids: list[str] = []
    for _ in range(100):
        kids = [key["kid"] for key in (await drill.callers.http.get(at)).json()["keys"]]
        if kids[0] != without:
            break
        await asyncio.sleep(0.05)
    return kids


def _kid(token: str) -> str:
    head = token.partition(".")[0]
    return str(json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"])
