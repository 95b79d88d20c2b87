"""The issuer is gone: who has a token and an exchange goes on, who needs a new one cannot."""

from enum import StrEnum

import httpx2

from mcp_playbook.drill.rehearsal import Rehearsal

BACK_SECONDS = 10.0
HEARD_MS = 6000  # the exchange is given 5 s


class Expect(StrEnum):
    KNOWN = "who called a server just now goes on"
    NEW_SERVER = "a token that needs an exchange is told issuer_unavailable, and nothing is done"
    SIGN_IN = "nobody can sign in"
    READY = "the gateway stays ready: it has the issuer's keys"
    BACK = "within 10 s of the issuer's return everybody is answered as before"
    LEDGER = "the ledger verifies"


async def rehearse(drill: Rehearsal) -> None:
    stage, ask = drill.stage, drill.callers
    reads = ask.reads()
    before = await drill.before(*reads)
    # signed in, and no server called with it yet
    unused = str((await ask.sign_in(reads[0].person))["access_token"])
    async with stage.down("issuer") as part:
        drill.incident(f"the issuer (pid {part.pid}) is killed and stays down")
        for call in reads:
            drill.saw(seen := await ask(call))
            drill.expect(Expect.KNOWN, seen.ok, seen)
        drill.saw(seen := await ask(reads[0], unused), "with a token not used before: ")
        told = seen.code == "issuer_unavailable" and "Nothing was done" in seen.words
        drill.expect(Expect.NEW_SERVER, told and seen.milliseconds < HEARD_MS, seen)
        try:
            answer = str((await ask.sign_in(reads[0].person))["status"])
        except httpx2.HTTPError as error:
            answer = type(error).__name__
        drill.saw(f"{reads[0].person} signs in: {answer}")
        drill.expect(Expect.SIGN_IN, answer == "ConnectError", answer)
        ready = await ask.http.get(f"{stage.stack.here.gateway}/readyz")
        drill.saw(f"GET /readyz: {ready.status_code} {ready.text.strip()}")
        drill.expect(Expect.READY, ready.status_code == 200, ready.text)
    drill.recovery("the issuer is started again; its keys are on disk, its sessions are gone")
    await stage.well(part)
    ask.forget()
    await drill.again(Expect.BACK, before, BACK_SECONDS)
    drill.saw(seen := await ask(reads[0], unused), "the token from before: ")
    drill.expect(Expect.BACK, seen.ok, seen)
    await drill.verifies(Expect.LEDGER)
