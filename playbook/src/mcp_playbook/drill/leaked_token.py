"""Somebody's tokens were found in a log: the session ends at the issuer, then the tokens here."""

import time
from datetime import UTC, datetime
from enum import StrEnum

from mcp_local.governed import CLIENT_ID
from mcp_playbook.drill.rehearsal import NotAsExpectedError, Rehearsal

MADE = (
    "SELECT count(*) FROM audit.record "
    "WHERE kind = 'outcome' AND person = $1 AND tool = $2 AND ts >= $3"
)


class Expect(StrEnum):
    OPENS = "until something is done, the leaked tokens open what the person may use"
    RECORD = "the record shows what was done with them"
    ENDED = "once the session is ended at the issuer, its refresh token is refused"
    STILL = "that alone does not stop an access token: the gateway does not ask the issuer"
    REVOKED = "after make revoke every one of them is 401 with the next call"
    AGAIN = "the person signs in anew and goes on"
    LEDGER = "the ledger verifies"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask, since = drill.stage, drill.callers, datetime.now(UTC)
    mine = ask.reads()[0]
    session = await ask.sign_in(mine.person)
    access, refresh = str(session["access_token"]), str(session.get("refresh_token", ""))
    if not refresh:
        raise NotAsExpectedError("the issuer gave no refresh token")
    drill.incident(f"an access and a refresh token of {mine.person} are found in a log")
    drill.saw(seen := await ask(mine, access), "whoever has it: ")
    drill.expect(Expect.OPENS, seen.ok, seen)
    fresh = await ask.grant("refresh_token", refresh_token=refresh)
    drill.saw(f"whoever has it refreshes: {fresh['status']}")
    second = str(fresh.get("access_token", ""))
    drill.saw(seen := await ask(mine, second), "and calls with that: ")
    drill.expect(Expect.OPENS, seen.ok, seen)
    shown = await stage.gateway(
        "mcp_gateway.audit", "show", "--person", mine.person, "--limit", "4"
    )
    drill.saw(f"audit show --person {mine.person} --limit 4:\n{shown.stdout.strip()}")
    (made,) = await stage.ledger(MADE, mine.person, mine.tool, since)
    drill.expect(Expect.RECORD, made["count"] == 2, f"{made['count']} calls since then")

    begun = time.monotonic()
    at = f"{stage.stack.here.issuer}/protocol/openid-connect/revoke"
    answer = await ask.form(at, {"client_id": CLIENT_ID, "token": refresh})
    drill.recovery(
        f"the session is ended at the issuer with the leaked token: {answer.status_code}"
    )
    later = await ask.grant("refresh_token", refresh_token=str(fresh.get("refresh_token", "")))
    drill.saw(f"whoever has it refreshes: {later['status']} {later.get('error', '')}")
    drill.expect(Expect.ENDED, later["status"] == 400, later.get("error", later["status"]))
    drill.saw(seen := await ask(mine, second), "and calls: ")
    drill.expect(Expect.STILL, seen.ok, seen)
    drill.recovery(await stage.switch("revoke", "--person", mine.person, "--reason", "leaked"))
    for token in (access, second):
        drill.saw(seen := await ask(mine, token), "whoever has it: ")
        drill.expect(Expect.REVOKED, seen.status == 401, seen)
    drill.facts["stopped_after_seconds"] = round(time.monotonic() - begun, 2)
    ask.forget()
    drill.saw(seen := await ask(mine), f"{mine.person} signs in anew: ")
    drill.expect(Expect.AGAIN, seen.ok, seen)
    await drill.verifies(Expect.LEDGER)
