"""Week 3: a person can do what person and agent may, as often and as long as they may."""

import asyncio
import subprocess
import sys
import time

from mcp_playbook.checks.check import Failed, NotYet, line
from mcp_playbook.checks.needs import expecting, kit_of, one_allowed
from mcp_playbook.deployment import Deployment
from mcp_playbook.wire import Reply
from mcp_shared.meta import REFUSED

MOST_CALLS = 300  # before a limit that a demo.toml expects must have been met
NOBODYS = "no_such_tool_of_anybody"
REVOKED_SECONDS = 10.0
SWITCH_SECONDS = 60


@line(
    "W3-07", "black-box",
    "What a person has no role for is not listed, and answers like a name that does not exist",
    "CC6.1", "CC6.3", "A.5.15", "A.8.3",
)  # fmt: skip
async def unknown_alike(at: Deployment) -> str:
    told = []
    for probe in expecting(at, "refused"):
        endpoint = at.endpoint_of(probe)
        name = at.tool_at(endpoint, probe)
        listed = await at.ask(endpoint, "tools/list", {}, person=probe.person)
        if f'"{name}"' in listed.text:
            raise Failed(
                f"{probe.person} sees {probe.tool} in the list",
                do="Filter lists by the function that decides calls.",
            )
        theirs = await at.call(probe, endpoint)
        nobody = await at.ask(
            endpoint, "tools/call", {"name": NOBODYS, "arguments": probe.arguments},
            person=probe.person,
        )  # fmt: skip
        if theirs.works:
            raise Failed(
                f"{probe.person} called {probe.tool}",
                do=f"make why PERSON={probe.person} TOOL={probe.server}_{probe.tool}",
            )
        if _bare(theirs) != _bare(nobody):
            raise Failed(
                f"{probe.tool} for {probe.person}: {theirs.brief()}; "
                f"an unknown name: {nobody.brief()}",
                do="Answer both with the same bytes, or names can be guessed.",
            )
        told.append(f"{probe.person}: {probe.tool}")
    return f"{', '.join(told)}: unlisted, {theirs.brief()}"


def _bare(reply: Reply) -> tuple[int, object, object]:
    """What the caller can tell apart; the receipt differs by nature."""
    return reply.status, reply.error.get("code"), reply.error.get("message")


@line(
    "W3-08", "black-box", "A limit is answered as a tool error that says when to try again",
    "A.8.6", "CC6.8",
)  # fmt: skip
async def limits(at: Deployment) -> str:
    probe = expecting(at, "limited")[0]
    for count in range(1, MOST_CALLS + 1):
        reply = await at.call(probe)
        if reply.works:
            continue
        if reply.status == 429:
            raise Failed(
                "the limit is an HTTP 429, which clients hide from the model",
                do="Answer isError with a code and retryAfter.",
            )
        meta = (reply.result.get("_meta") or {}).get(REFUSED) or {}
        if not reply.result.get("isError") or not any(c.isdigit() for c in reply.words):
            raise Failed(f"at call {count}: {reply.brief()}", do="Say when to try again.")
        wait = meta.get("retryAfter")
        return f"{probe.person} at call {count}: {reply.words[:90]} (retryAfter {wait})"
    raise Failed(
        f"{MOST_CALLS} calls of {probe.tool} met no limit",
        do="Set rate in policy.yaml; is Valkey reachable?",
    )


@line(
    "W3-12", "kit", "A revoked person is refused with the next call", "CC6.2", "CC6.3", "A.5.18",
    "A.8.2",
)  # fmt: skip
async def revoked(at: Deployment) -> str:
    kit = kit_of(at)
    if kit.gateway_env is None or at.tokens is None:
        raise NotYet(
            "make revoke cannot be run from here",
            do="Run the check where the gateway runs: its GATEWAY_ variables are needed.",
        )
    probe = one_allowed(at)[-1]
    endpoint = at.endpoint_of(probe)
    old = await at.token(probe.person, endpoint)
    before = await at.call(probe, token=old)
    if not before.works:
        raise Failed(f"{probe.person} calling {probe.tool}: {before.brief()}", do="See W1-07.")
    begun = time.monotonic()
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "mcp_gateway.switches", "revoke", "--person", probe.person,
         "--reason", "playbook check W3-12"],
        env=dict(kit.gateway_env), cwd=kit.root, check=False, capture_output=True, text=True,
        timeout=SWITCH_SECONDS,
    )  # fmt: skip
    at.tokens.forget(probe.person)
    if done.returncode != 0:
        raise Failed(f"make revoke: {done.stderr.strip()[-200:]}", do="make doctor")
    after = await at.call(probe, token=old)
    seconds = time.monotonic() - begun
    if after.status != 401:
        raise Failed(
            f"the old token was answered {after.brief()} after {seconds:.1f} s",
            do="make blocks; is every replica reading Valkey and the table?",
        )
    again = await at.call(probe)
    if not again.works:
        raise Failed(f"a new sign-in does not work: {again.brief()}", do="make blocks")
    return (
        f"{probe.person} was refused with the first call after make revoke returned, "
        f"{seconds:.1f} s after it was typed; a new sign-in works"
    )
