"""Week 4: one of several gateways is killed under load, here and now."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import psutil

from mcp_local import control
from mcp_local.board import PartState, read_board
from mcp_local.load import Stack
from mcp_playbook.checks.check import Failed, NotYet, line
from mcp_playbook.checks.needs import kit_of
from mcp_playbook.deployment import Deployment
from mcp_playbook.replicas import sample
from mcp_playbook.replicas.load import Load
from mcp_playbook.replicas.record import on_record

READS, WRITES = 20, 6  # of each server's cheap read; of each person who may write
AFTER = 15  # attempts, then one is killed
BACK_SECONDS = 30.0
COMMAND_SECONDS = 60
REASON = "W4-05 killed the gateway that was making it, made it again and counted"


@line(
    "W4-05", "kit", "A replica is killed: a retried read succeeds, no write runs twice",
    "A.8.14", "A1.2", "CC7.5",
)  # fmt: skip
async def replicas(at: Deployment) -> str:
    kit = kit_of(at)
    stack = kit.stack
    if stack is None or kit.ledger is None:
        raise NotYet(
            "this check kills processes of the local stack, and no others",
            do="Where your gateways run: end one of them at once, under load, and see that "
            "callers who try again are answered and that the ledger verifies.",
        )
    one = _one_of_several(stack)
    wishes = sample.mixed(sample.reads(stack, READS), sample.writes(stack, WRITES))
    load = Load(at, wishes)
    back = 0.0

    async def incident(load: Load) -> None:
        nonlocal back
        await load.answers(AFTER)
        psutil.Process(one.pid).kill()
        back = await _back(stack, one)

    await load.run(incident)
    found = await on_record(kit.ledger, load.attempts)
    await _settled(kit.gateway_env or {}, found.open)
    if found.wrong:
        raise Failed(
            f"{found.wrong[0]} ({len(found.wrong)} in all)",
            do="The balancer may send again only what was not sent: lb_retry_match is GET alone.",
        )
    if load.unfulfilled and (why := load.attempts[-1].later):
        raise NotYet(f"calls were refused all the time: {why}", do="Again, in a minute.")
    if load.unfulfilled:
        raise Failed(
            f"{load.unfulfilled[0].tool} was never answered, however often it was tried",
            do="make ps; does the balancer's health check take out what is gone?",
        )
    counted = await sample.made(stack, wishes)
    if odd := {key: count for key, count in counted.items() if count != 1}:
        raise Failed(
            f"{len(odd)} of {len(counted)} writes were made {sorted(set(odd.values()))} times",
            do="A write carries an idempotency key, and its server an outbox.",
        )
    if not counted:
        raise NotYet(
            f"reads went well; no server here has a {sample.FILE}, so no write was tried",
            do="Name one and how to count it, as the sample CRM's file of that name does.",
        )
    return (
        f"{one.name} killed among {len(load.attempts)} calls: {len(load.lost)} without an answer, "
        f"each made again and answered; {len(counted)} writes, each once; every answer on record; "
        f"back after {back:.1f} s"
    )


def _one_of_several(stack: Stack) -> PartState:
    """The last of the gateways that run."""
    board = read_board(stack.here.state)
    if control.supervisor_pid(stack.here) is None or board is None:
        raise NotYet("the stack does not run", do="make up REPLICAS=2")
    several = [board.parts[part.name] for part in stack.plan.replicas("gateway")]
    if len(several) == 1:
        raise NotYet("this stack has one gateway", do="make up REPLICAS=2, then again")
    if any(one.pid is None or one.status != "healthy" for one in several):
        raise NotYet("not every gateway is well", do="make ps")
    return several[-1]


async def _back(stack: Stack, before: PartState) -> float:
    begun = time.monotonic()
    while (passed := time.monotonic() - begun) < BACK_SECONDS:
        board = read_board(stack.here.state)
        now = board.parts[before.name] if board else before
        if now.pid != before.pid and now.status == "healthy":
            return passed
        await asyncio.sleep(0.05)
    raise Failed(f"{before.name} did not come back within {BACK_SECONDS:.0f} s", do="make logs")


async def _settled(env: Mapping[str, str], calls: Sequence[str]) -> None:
    """What became of them is known here: whoever made them has tried again."""
    for call in calls:
        await asyncio.to_thread(
            subprocess.run,
            [
                sys.executable, "-m", "mcp_gateway.audit", "settle", "--call", call,
                "--reason", REASON, "--minutes", "0",
            ],
            env=dict(env), check=True, capture_output=True, timeout=COMMAND_SECONDS,
        )  # fmt: skip
