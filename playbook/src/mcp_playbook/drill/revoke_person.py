"""A person must be stopped now: their tokens, or everything they do."""

import json
import time
from datetime import UTC, datetime
from enum import StrEnum

from mcp_playbook.drill.callers import Seen
from mcp_playbook.drill.rehearsal import Rehearsal

EVENTS = (
    "SELECT body FROM audit.record WHERE kind = 'event' "
    "AND reason IN ('revoked', 'blocked', 'unblocked') AND ts >= $1 ORDER BY ts, seq"
)
WHY = "a drill"


class Expect(StrEnum):
    REVOKED = "after revoke the next call with a token from before is 401 and says to sign in"
    AGAIN = "a new sign-in works"
    BLOCKED = "after block the next call is 403, with a new token too"
    OTHERS = "others notice nothing"
    OPENED = "after unblock the next call succeeds"
    RECORD = "each step is on record with who did it and why"
    LEDGER = "the ledger verifies"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask, since = drill.stage, drill.callers, datetime.now(UTC)
    mine = ask.reads()[0]
    person = mine.person
    other = ask.by_another(person)
    await drill.before(mine, *([other] if other else []))
    old = await ask.token(person)
    drill.incident(f"{person}'s laptop is lost; the host on it is signed in")

    async def others_go_on() -> None:
        if other is None:
            drill.nothing_here(Expect.OTHERS, "no demo.toml has a read that somebody else may make")
            return
        seen = await ask(other)
        drill.expect(Expect.OTHERS, seen.ok, seen)

    begun = time.monotonic()
    drill.recovery(await stage.switch("revoke", "--person", person, "--reason", WHY))
    drill.facts["revoke_seconds"] = round(time.monotonic() - begun, 2)
    drill.saw(seen := await ask(mine, old), "the next call: ")
    drill.expect(Expect.REVOKED, _sent_to_sign_in(seen), seen)
    await others_go_on()
    ask.forget()
    drill.saw(seen := await ask(mine), "after a new sign-in: ")
    drill.expect(Expect.AGAIN, seen.ok, seen)

    begun = time.monotonic()
    drill.recovery(await stage.switch("block", "--person", person, "--reason", WHY, "--for", "1h"))
    drill.facts["block_seconds"] = round(time.monotonic() - begun, 2)
    for word in ("the next call", "after one more sign-in"):
        drill.saw(seen := await ask(mine), f"{word}: ")
        drill.expect(Expect.BLOCKED, seen.status == 403, seen)
        ask.forget()
    await others_go_on()
    listed = await stage.gateway("mcp_gateway.switches", "list")
    drill.saw(f"make blocks:\n{listed.stdout.strip()}")
    drill.recovery(await stage.switch("unblock", "--person", person, "--reason", WHY))
    drill.saw(seen := await ask(mine), "the next call: ")
    drill.expect(Expect.OPENED, seen.ok, seen)

    details = [json.loads(row["body"]) for row in await stage.ledger(EVENTS, since)]
    told = [
        one["reason"] for one in details
        if (one["detail"]["name"], one["detail"]["why"]) == (person, WHY) and one["detail"]["by"]
    ]  # fmt: skip
    drill.saw(f"events on record: {', '.join(told)}")
    drill.expect(Expect.RECORD, told == ["revoked", "blocked", "unblocked"], told)
    await drill.verifies(Expect.LEDGER)


def _sent_to_sign_in(seen: Seen) -> bool:
    challenge = seen.headers.get("www-authenticate", "")
    return seen.status == 401 and "resource_metadata=" in challenge and "invalid_token" in challenge
