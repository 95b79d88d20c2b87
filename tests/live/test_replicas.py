"""Two gateways behind a balancer, under load: one is killed, one after the other is restarted."""

import asyncio
import random
from collections.abc import Iterator

import pytest
from live.commands import audit, local
from live.replicated import GATEWAYS, Two, listening, until

from mcp_playbook.replicas import sample
from mcp_playbook.replicas.load import AT_ONCE, Load, Wish
from mcp_playbook.replicas.record import on_record
from mcp_shared.meta import REFUSED

KILLED = ("gateway-2", "gateway", "gateway-2")
NOTICED_SECONDS = 10.0  # after it nothing fails any more; hundredths where nothing else runs
HEARD_SECONDS = 30.0


def ledger(two: Two) -> str:
    assert two.at.kit is not None
    assert two.at.kit.ledger is not None
    return two.at.kit.ledger


async def test_a_killed_replica_costs_what_was_under_way_in_it_and_nothing_else(two: Two) -> None:
    lost, left = 0, list[str]()
    for name in KILLED:
        two.full_buckets()
        load = Load(two.at, two.wishes(reads=11, writes=12))
        at = 0.0

        async def incident(load: Load, name: str = name) -> None:
            nonlocal at
            await load.answers(random.randint(10, 90))
            before = two.kill(name)
            at = max(one.at for one in load.attempts)
            await two.back(before)

        await load.run(incident)
        assert load.unfulfilled == []
        # under way in it, and at most once more into a connection that nobody knew was dead
        assert len(load.lost) <= 2 * AT_ONCE
        assert all(one.at + one.seconds < at + NOTICED_SECONDS for one in load.lost), load.lost
        found = await on_record(ledger(two), load.attempts)
        assert found.wrong == []
        odd = [one for one in load.attempts if one.answered and not one.works]
        assert [one.document for one in odd if not one.later] == []
        wishes = [one.wish for one in load.attempts]
        assert set((await sample.made(two.stack, wishes)).values()) == {1}
        # the other one went on
        assert any(one.at > at for one in load.attempts if one.answered)
        lost += len(load.lost)
        left += found.open
    assert lost, "no call was under way in a replica that was killed: nothing was shown"
    # what nobody knows the end of is named, until somebody has looked
    told = audit(two.stack, "verify", "--open-minutes", "0").stdout
    assert [call for call in left if call not in told] == []
    settled = audit(two.stack, "settle", "--all", "--reason", "seen by a test", "--minutes", "0")
    assert settled.returncode == 0, settled.stderr
    assert audit(two.stack, "verify", "--open-minutes", "0").returncode == 0


async def test_replicas_restarted_one_after_the_other_lose_no_call(two: Two) -> None:
    two.full_buckets()
    over = asyncio.Event()

    def until_over() -> Iterator[Wish]:
        while not over.is_set():
            yield from two.wishes(reads=1, writes=0)
            two.full_buckets()

    async def incident(_: Load) -> None:
        async with listening(two, "", "ana") as lines:
            for name in GATEWAYS:
                await two.restart(name)
            # its replica left, and its client was told so; nothing was cut off
            assert lines[-1] == "the end"
            assert '"result"' in lines[-2]
        over.set()

    load = Load(two.at, until_over(), pause=0.1)
    await load.run(incident)
    assert load.lost == []
    assert [one.document for one in load.attempts if not (one.works or one.later)] == []
    found = await on_record(ledger(two), load.attempts)
    assert (found.wrong, found.open) == ([], [])
    assert set(await two.served([one.trace for one in load.attempts])) == {"gateway-1", "gateway-2"}
    assert audit(two.stack, "verify").returncode == 0


async def test_a_limit_is_one_limit_for_both(two: Two) -> None:
    two.full_buckets()
    wish = Wish("dee", "docs_search_docs", {"query": "refund"})  # 3 a minute for contractors
    load = Load(two.at, [wish] * 24, patience=0)

    async def nothing(_: Load) -> None:
        pass

    await load.run(nothing)
    assert sum(one.works for one in load.attempts) == 3
    refused = [one.document["result"]["_meta"] for one in load.attempts if not one.works]
    assert {one[REFUSED]["code"] for one in refused} == {"rate_limited"}


async def test_a_switch_and_a_revocation_are_heard_by_both(two: Two) -> None:
    async def blocked(name: str) -> bool:
        reply = await two.ask(name, "tools/call", "ana", name="docs_list_collections", arguments={})
        return not reply.works

    async with listening(two, "gateway", "ana") as one, listening(two, "gateway-2", "ana") as other:
        env = ("env", "gateway", "{python}", "-m", "mcp_gateway.switches")
        assert local(two.stack, *env, "block", "--tool", "docs_list_collections").returncode == 0
        # the call after the command is refused, whichever takes it
        assert [await blocked(name) for name in GATEWAYS] == [True, True]
        await until(lambda: len(one) > 1 and len(other) > 1, HEARD_SECONDS)
        assert "list_changed" in one[1]
        assert "list_changed" in other[1]
        assert local(two.stack, *env, "unblock", "--tool", "docs_list_collections").returncode == 0
        assert [await blocked(name) for name in GATEWAYS] == [False, False]
    assert local(two.stack, *env, "revoke", "--person", "cho").returncode == 0
    call = {"name": "docs_list_collections", "arguments": {}}
    replies = [await two.ask(name, "tools/call", "cho", **call) for name in GATEWAYS]
    assert [reply.status for reply in replies] == [401, 401]


async def test_a_changed_policy_holds_at_both(two: Two) -> None:
    async def lists(name: str) -> bool:
        reply = await two.ask(name, "tools/list", "ana")
        return any(tool["name"] == "docs_list_collections" for tool in reply.result["tools"])

    assert [await lists(name) for name in GATEWAYS] == [True, True]
    file = two.policy("docs")
    kept = file.read_text()
    head, tail = kept.split("list_collections:", 1)
    async with listening(two, "gateway", "ana") as one, listening(two, "gateway-2", "ana") as other:
        file.write_text(f"{head}list_collections:{tail.replace('analyst, ', '', 1)}")
        for name in GATEWAYS:
            await until(lambda name=name: _not(lists(name)), HEARD_SECONDS)
        await until(lambda: len(one) > 1 and len(other) > 1, HEARD_SECONDS)
        file.write_text(kept)
        for name in GATEWAYS:
            await until(lambda name=name: lists(name), HEARD_SECONDS)


async def _not(wanted: object) -> bool:
    return not await wanted  # type: ignore[misc]


async def test_a_page_begun_at_one_goes_on_at_the_other(two: Two) -> None:
    first = await two.ask("gateway", "resources/list", "ana")
    cursor = first.result["nextCursor"]
    pages = [await two.ask(name, "resources/list", "ana", cursor=cursor) for name in GATEWAYS]
    assert pages[0].result["resources"] == pages[1].result["resources"]
    assert pages[1].works


def test_the_commands_of_a_person_know_both(two: Two) -> None:
    shown = local(two.stack, "ps")
    assert shown.returncode == 0, shown.stdout
    rows = {row.split()[0]: row for row in shown.stdout.splitlines() if row.strip()}
    assert two.stack.here.gateway in rows["balancer"]
    for name in GATEWAYS:
        assert f"127.0.0.1:{two.stack.filler().ports[name]}" in rows[name]
    assert local(two.stack, "logs", "gateway-2").returncode == 0
    assert "gateway-2 was started anew" in local(two.stack, "restart", "gateway-2").stdout
    visited = local(two.stack, "doctor")
    assert visited.returncode == 0, visited.stdout


@pytest.mark.parametrize("size", [2_000_000])
async def test_the_gateways_own_refusal_of_a_large_request_arrives(two: Two, size: int) -> None:
    endpoint = two.at.endpoints[0]
    reply = await two.at.ask(endpoint, "tools/list", {"x": "y" * size}, person="ana")
    assert reply.status == 413
    assert reply.error
