# ruff: noqa: N802  the rows of the attack table keep their ids
"""Limits over a real Valkey: what is taken, what is left, and what holds without it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from gateway.made import a_call, a_principal, a_rule
from redis.asyncio import Redis

from mcp_gateway.policy import Rule
from mcp_gateway.refusals import Refusal
from mcp_gateway.settings import Rate
from mcp_gateway.throttle import ValkeyThrottle
from mcp_local.ports import free_port
from mcp_local.valkey import Valkey

PERSON = Rate(calls=100, seconds=60)
UNKNOWN = Rate(calls=3, seconds=60)
TWO = a_rule(rate=Rate(calls=2, seconds=60))


@pytest_asyncio.fixture
async def store(valkey_server: Valkey) -> AsyncIterator[Redis]:
    client = Redis.from_url(valkey_server.url)
    await client.flushall()
    yield client
    await client.aclose()


def throttle(store: Redis, person: Rate = PERSON) -> ValkeyThrottle:
    return ValkeyThrottle(store, person, UNKNOWN)


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
    rule = a_rule(rate=Rate(calls=5, seconds=0.5))
    at = throttle(store, Rate(calls=1000, seconds=1))
    started = time.monotonic()
    passed = 0
    while time.monotonic() - started < 1.0:
        passed += await let_in(at, 3, rule)
        await asyncio.sleep(0.01)
    elapsed = time.monotonic() - started
    assert passed <= 5 + elapsed * 10 + 0.5
    assert passed >= 5 + elapsed * 10 - 2


async def test_the_wait_that_is_named_is_enough(store: Redis) -> None:
    rule = a_rule(rate=Rate(calls=2, seconds=0.4))
    at = throttle(store)
    assert await let_in(at, 2, rule) == 2
    with pytest.raises(Refusal) as caught:
        await at(a_principal("analyst"), a_call(), rule)
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 0.2
    await asyncio.sleep(caught.value.retry_after + 0.01)
    assert await let_in(at, 1, rule) == 1
    answer = caught.value.answer("tools/call")
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
    passed = [await let_in(at, 1, None, name=f"one_guess{count}") for count in range(6)]
    assert passed == [1, 1, 1, 0, 0, 0]
    assert await let_in(at, 1) == 1


async def test_buckets_do_not_stay_for_ever(store: Redis) -> None:
    at = throttle(store, Rate(calls=5, seconds=5))
    await let_in(at, 1, a_rule(rate=Rate(calls=10, seconds=60)))
    lives = [await store.ttl(key) for key in await store.keys()]
    assert sorted(lives) == [6, 61]


async def test_a_clock_that_steps_back_gives_nothing_away(store: Redis) -> None:
    at = throttle(store)
    assert await let_in(at, 5) == 2
    for key in await store.keys():
        await store.hset(key, "t", str(time.time() + 3600))
    assert await let_in(at, 5) == 0


async def test_R05_a_store_that_refuses_counts_as_away(store: Redis) -> None:
    at = throttle(store)
    assert await let_in(at, 1) == 1
    for key in await store.keys():
        await store.delete(key)
        await store.set(key, "not a bucket")
    with pytest.raises(Refusal) as caught:
        await at(a_principal("analyst"), a_call("one_write_it"), a_rule("write_it", kind="write"))
    assert caught.value.code == "limiter_unavailable"
    assert await let_in(at, 5) == 1


async def test_R05_without_a_store_reads_have_half_and_writes_nothing() -> None:
    away = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    at = throttle(away)
    rule = a_rule(rate=Rate(calls=10, seconds=60))
    started = time.monotonic()
    assert await let_in(at, 12, rule) == 5
    assert time.monotonic() - started < 3
    with pytest.raises(Refusal) as caught:
        await at(a_principal("analyst"), a_call("one_write_it"), a_rule("write_it", kind="write"))
    assert (caught.value.code, caught.value.decision) == ("limiter_unavailable", "error")
    assert await let_in(at, 3, a_rule("rare", rate=Rate(calls=1, seconds=60))) == 1
    await away.aclose()


async def test_a_local_share_fills_again_at_half_the_pace() -> None:
    away = Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    at = throttle(away)
    rule = a_rule(rate=Rate(calls=4, seconds=0.4))
    assert await let_in(at, 4, rule) == 2
    await asyncio.sleep(0.25)
    assert await let_in(at, 4, rule) == 1
    await away.aclose()
