"""W4-05: one of two gateways is killed, and a balancer that does its work badly is seen."""

from dataclasses import replace

from playbook.live.meddler import Answered, Asked, Change, Forward, seen_through, wrong
from playbook.live.verdicts import fails, passes, waits

from mcp_local import ledger_view
from mcp_local.load import Stack
from mcp_playbook import source
from mcp_playbook.checks import week_4_replicas
from mcp_playbook.deployment import Deployment

CHECK = week_4_replicas.replicas


async def twice(asked: Asked, forward: Forward) -> Answered:
    """A balancer that sends a call again, though it had been sent."""
    await forward(asked)
    return await forward(asked)


async def cut_off(asked: Asked, forward: Forward) -> Answered:
    """One that passes on as whole what it has half of."""
    answer = await forward(asked)
    return replace(answer, body=answer.body[: len(answer.body) // 2])


async def through(at: Deployment, change: Change, *words: str) -> None:
    async with wrong(at.origin, change) as address:
        await fails(CHECK, seen_through(at, address), *words)


async def test_W4_05_waits_where_one_gateway_runs_or_none_may_be_killed(at: Deployment) -> None:
    found = await waits(CHECK, at, "one gateway")
    assert "make up REPLICAS=2" in found.do
    assert at.kit
    await waits(CHECK, replace(at, kit=replace(at.kit, stack=None)), "no others")


async def test_W4_05_passes_and_fails_when_a_balancer_sends_twice_or_half(
    two_gateways: Stack,
) -> None:
    at = source.of_stack(two_gateways)
    found = await passes(CHECK, at)
    assert "each once" in found.evidence
    # it leaves nothing for anybody to settle
    verified, words = ledger_view.verified(two_gateways.filler(), "--open-minutes", "0")
    assert verified == "yes", words
    await through(at, twice, "was sent once and made 2 times")
    await through(at, cut_off, "half an answer")
