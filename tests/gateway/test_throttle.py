"""Limits over a real Valkey: what is taken, what is left, and what holds without it."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest
import pytest_asyncio
from gateway.made import a_call, a_policy, a_principal, a_rule
from redis.asyncio import Redis

from mcp_gateway.call import Answer, Grant, Principal, Receipt
from mcp_gateway.configuration.settings import Limits, Rate
from mcp_gateway.limits.buckets import LocalBuckets
from mcp_gateway.limits.throttle import ValkeyThrottle
from mcp_gateway.refusals import Refusal
from mcp_gateway.rights.policy import Agent, Policy, Rule
from mcp_gateway.switches.live import Switches
from mcp_local.ports import free_port
from mcp_local.valkey import Valkey

PERSON = Rate(calls=100, seconds=60)
NAMELESS = 30  # names that lead nowhere, a minute
TWO = a_rule(rate=Rate(calls=2, seconds=60))


OPENED: list[ValkeyThrottle] = []


@pytest_asyncio.fixture
async def store(valkey_server: Valkey) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey_server.url)
    await client.flushall()
    yield client
    while OPENED:
        await OPENED.pop().aclose()
    await client.aclose()


class Open:
    """Nothing is closed; the bells that rang are kept."""

    def __init__(self) -> None:
        self.bells: list[bytes] = []

    async def heard(self, bell: bytes) -> None:
        self.bells.append(bell)

    def check(self, principal: Principal, endpoint: str) -> None:
        assert principal.subject
        assert endpoint == ""


def throttle(
    store: Redis, person: Rate = PERSON, policy: Policy | None = None, switches: Any = None
) -> ValkeyThrottle:
    limits = Limits(person_rate=person, replicas=2)
    shared = policy or a_policy()
    made = ValkeyThrottle(store, limits, lambda: shared, cast("Switches", switches or Open()))
    OPENED.append(made)
    return made


async def let_in(
    at: ValkeyThrottle,
    times: int,
    rule: Rule | None = TWO,
    who: Any = None,
    name: str = "one_read_it",
) -> int:
    """How many of so many calls pass."""
    passed = 0
    for _ in range(times):
        try:
            await at(who or a_principal("analyst"), a_call(name), rule)
            passed += 1
        except Refusal as refusal:
            if refusal.decision != "limit":
                raise
    return passed


async def until_refused(at: ValkeyThrottle, rule: Rule) -> Refusal:
    """A busy machine may be slower than a bucket fills, though not for ever."""
    for _ in range(100):
        try:
            await at(a_principal("analyst"), a_call(), rule)
        except Refusal as refusal:
            return refusal
    raise AssertionError("it was never refused")


async def test_a_limit_is_of_one_person_and_one_tool(store: Redis) -> None:
    at = throttle(store)
    assert await let_in(at, 5) == 2
    assert await let_in(at, 5, who=a_principal("analyst", username="ben")) == 2
    assert await let_in(at, 5, a_rule("other", rate=TWO.rate)) == 2
    assert await let_in(at, 5, a_rule(server="two", rate=TWO.rate)) == 2


async def test_all_calls_of_a_person_have_a_limit_together(store: Redis) -> None:
    at = throttle(store, Rate(calls=5, seconds=60))
    passed = [await let_in(at, 2, a_rule(f"tool{count}")) for count in range(4)]
    assert passed == [2, 2, 1, 0]
    with pytest.raises(Refusal) as caught:
        await at(a_principal("analyst"), a_call(), TWO)
    assert "this person's calls together" in (caught.value.tool_text or "")


async def test_what_was_not_let_in_takes_nothing(store: Redis) -> None:
    at = throttle(store, Rate(calls=4, seconds=60))
    assert await let_in(at, 50) == 2
    assert await let_in(at, 50, a_rule("other")) == 2  # the fifty did not use up the person's


async def test_R04_no_burst_at_any_edge_passes_more_than_the_bucket_holds(store: Redis) -> None:
    rule = a_rule(rate=Rate(calls=40, seconds=4))  # nothing overflows while this machine is busy
    at = throttle(store, Rate(calls=1000, seconds=1))
    started = time.monotonic()
    passed = 0
    while time.monotonic() - started < 1.0:
        passed += await let_in(at, 3, rule)
        await asyncio.sleep(0.01)
    passed += await let_in(at, 40, rule)
    elapsed = time.monotonic() - started
    assert passed <= 40 + elapsed * 10 + 0.5
    assert passed >= 40 + 1.0 * 10 - 2


async def test_the_wait_that_is_named_is_enough(store: Redis) -> None:
    rule = a_rule(rate=Rate(calls=2, seconds=0.4))
    at = throttle(store)
    refused = await until_refused(at, rule)
    assert refused.retry_after is not None
    assert 0 < refused.retry_after <= 0.2
    await asyncio.sleep(refused.retry_after + 0.01)
    assert await let_in(at, 1, rule) == 1
    answer = refused.answer("tools/call")
    assert answer.result is not None
    assert answer.result["isError"] is True


async def test_R02_replicas_share_one_limit(store: Redis, valkey_server: Valkey) -> None:
    rule = a_rule(rate=Rate(calls=20, seconds=60))
    stores = [Redis.from_url(valkey_server.url) for _ in range(3)]
    replicas = [throttle(one) for one in stores]
    passed = await asyncio.gather(*(let_in(replicas[count % 3], 10, rule) for count in range(9)))
    assert sum(passed) == 20
    for one in stores:
        await one.aclose()


async def test_names_that_lead_nowhere_share_one_bucket(store: Redis) -> None:
    at = throttle(store)
    guesses = [await let_in(at, 1, None, name=f"one_guess{count}") for count in range(40)]
    assert sum(guesses) == NAMELESS
    assert await let_in(at, 1) == 1


async def test_buckets_go_when_they_are_full_again(store: Redis) -> None:
    at = throttle(store, Rate(calls=5, seconds=50))
    await let_in(at, 1, a_rule(rate=Rate(calls=10, seconds=600)))
    lives = {key: await store.pttl(key) for key in await store.keys()}
    assert lives.pop(b"{mcp}:bell") == -1
    assert [round(life / 10_000) for life in sorted(lives.values())] == [1, 6]


async def test_R04_a_clock_that_steps_back_gives_nothing_away_and_stops_nobody_for_long(
    store: Redis,
) -> None:
    rule = a_rule(rate=Rate(calls=2, seconds=0.4))
    at = throttle(store, Rate(calls=100, seconds=0.4))
    assert await let_in(at, 2, rule) == 2
    for key in await store.keys("*:person:*"):
        await store.set(key, "1e10")
    began = time.monotonic()
    assert await let_in(at, 1, rule) == 0  # the bucket begins anew, empty
    async with asyncio.timeout(10):
        while not await let_in(at, 1, rule):  # noqa: ASYNC110  asked anew
            await asyncio.sleep(0.01)
    assert time.monotonic() - began > 0.15


async def test_a_cost_counts_for_what_is_shared_and_a_tools_own_rate_counts_calls(
    store: Redis,
) -> None:
    at = throttle(store, Rate(calls=20, seconds=60))
    dear = replace(a_rule(rate=Rate(calls=3, seconds=60)), cost=5)
    assert await let_in(at, 5, dear) == 3
    assert await let_in(at, 9, a_rule("other")) == 5


async def test_an_agent_and_a_server_have_limits_for_everybody_together(store: Redis) -> None:
    desk = Agent(may=["read"], tools=["*"], rate=Rate(calls=6, seconds=60))
    policy = replace(
        a_policy(agents={"desk": desk}), server_rates={"one": Rate(calls=4, seconds=60)}
    )
    at = throttle(store, policy=policy)
    people = [a_principal("analyst", username=name) for name in ("ana", "ben", "cho")]
    passed = [await let_in(at, 2, a_rule(), who) for who in people]
    assert passed == [2, 2, 0]
    with pytest.raises(Refusal) as caught:
        await at(people[2], a_call(), a_rule())
    assert "this server's calls by everybody" in (caught.value.tool_text or "")
    two = a_rule(server="two")
    assert await let_in(at, 3, two, people[2], "two_read_it") == 2
    with pytest.raises(Refusal) as caught:
        await at(people[2], a_call("two_read_it"), two)
    assert "this agent's calls for everybody" in (caught.value.tool_text or "")
    assert await let_in(at, 1, two, a_principal("analyst", agent="other")) == 1


def spent(rule: Rule, seconds: float, size: int) -> tuple[Receipt, Answer]:
    grant = Grant(
        principal=a_principal("analyst"), call=a_call(), server=rule.server, target=rule.name,
        rule=rule, definition=None, policy="v1",
    )  # fmt: skip
    return Receipt(grant, time.perf_counter() - seconds), Answer(status="ok", size=size)


async def charged(at: ValkeyThrottle, rule: Rule, seconds: float, size: int) -> None:
    at.charge(*spent(rule, seconds, size))
    while at._charges:
        await asyncio.wait(set(at._charges))


async def test_R06_a_few_huge_answers_cost_as_much_as_many_small_ones(store: Redis) -> None:
    rule = a_rule(rate=Rate(calls=100, seconds=60))
    at = throttle(store, Rate(calls=30, seconds=60))
    assert await let_in(at, 1, rule) == 1
    await charged(at, rule, 9.5, 1000)  # ten seconds: nine more than the one paid
    await charged(at, rule, 0.1, 2_621_440)  # ten times 256 KiB: nine more
    assert await let_in(at, 30, rule) == 30 - 1 - 9 - 9
    small = throttle(store, Rate(calls=30, seconds=60))
    await charged(small, rule, 0.9, 200_000)
    await charged(small, replace(rule, cost=10), 9.5, 0)  # paid before
    assert not small._charges


async def test_R06_what_is_owed_is_bounded(store: Redis) -> None:
    rule = a_rule(rate=Rate(calls=100, seconds=1))
    at = throttle(store, Rate(calls=10, seconds=1))
    for _ in range(20):
        await charged(at, rule, 500, 2**40)
    with pytest.raises(Refusal) as caught:
        await at(a_principal("analyst"), a_call(), rule)
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 1 + 0.101
    await asyncio.sleep(caught.value.retry_after + 0.01)
    assert await let_in(at, 1, rule) == 1


async def test_a_bell_is_heard_with_every_call_and_made_anew_when_it_is_lost(
    store: Redis,
) -> None:
    switches = Open()
    at = throttle(store, switches=switches)
    await let_in(at, 2, a_rule())
    await store.set("{mcp}:bell", "other")
    await let_in(at, 1, a_rule())
    await store.flushall()
    await let_in(at, 1, a_rule())
    first, second, third, fourth = switches.bells
    assert first == second
    assert third == b"other"
    assert len({first, third, fourth}) == 3


async def test_R05_a_store_that_takes_no_writes_counts_as_away(store: Redis) -> None:
    at = throttle(store)
    assert await let_in(at, 1) == 1
    await store.config_set("maxmemory", "1")
    await store.config_set("maxmemory-policy", "noeviction")
    try:
        with pytest.raises(Refusal) as caught:
            await at(
                a_principal("analyst"), a_call("one_write_it"), a_rule("write_it", kind="write")
            )
        assert caught.value.code == "limiter_unavailable"
        assert await let_in(at, 5) == 1
    finally:
        await store.config_set("maxmemory", "0")
    async with asyncio.timeout(10):
        while at.alone:  # noqa: ASYNC110  what is awaited has no event
            await asyncio.sleep(0.05)
    assert await let_in(at, 5) == 1  # as it was before: one of two was taken
    await at.aclose()


async def test_R05_without_a_store_reads_have_half_and_writes_nothing() -> None:
    away = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    at = throttle(away)
    rule = a_rule(rate=Rate(calls=10, seconds=60))
    started = time.monotonic()
    assert await let_in(at, 12, rule) == 5
    assert time.monotonic() - started < 10
    with pytest.raises(Refusal) as caught:
        await at(a_principal("analyst"), a_call("one_write_it"), a_rule("write_it", kind="write"))
    assert (caught.value.code, caught.value.decision) == ("limiter_unavailable", "error")
    with pytest.raises(Refusal) as caught:
        await at(a_principal("analyst"), a_call(), replace(rule, cost=2))
    assert caught.value.code == "limiter_unavailable"
    assert await let_in(at, 3, a_rule("rare", rate=Rate(calls=1, seconds=60))) == 1
    await at.aclose()
    await away.aclose()


async def test_a_local_share_fills_again_at_half_the_pace() -> None:
    away = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    at, now = throttle(away), 1000.0
    at._local = LocalBuckets(1 / 2, lambda: now)
    rule = a_rule(rate=Rate(calls=4, seconds=0.4))
    assert await let_in(at, 4, rule) == 2
    now += 0.25
    assert await let_in(at, 4, rule) == 1
    await at.aclose()
    await away.aclose()
