"""What a bucket lets through, over any calls at any moments: in Valkey and in memory."""

import math
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_gateway.configuration.settings import Rate
from mcp_gateway.limits.buckets import SCRIPT, Bucket, LocalBuckets
from mcp_local.valkey import Valkey

START = 1_800_000_000.0
# the script with the test's clock instead of the store's
TIMED = SCRIPT.replace("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}")

rates = st.builds(
    Rate, calls=st.integers(1, 40), seconds=st.sampled_from([0.5, 1.0, 7.0, 60.0, 3600.0])
)
# pauses in parts of the window, and what the call takes
steps = st.lists(
    st.tuples(st.floats(0, 0.7, allow_nan=False) | st.just(0.0), st.integers(1, 6)),
    min_size=1,
    max_size=40,
)


@pytest.fixture
def store(valkey_server: Valkey) -> Iterator[Any]:
    with redis.Redis.from_url(valkey_server.url) as client:
        yield client


def ask(store: Any, now: float, rate: Rate, takes: int, *, charge: bool = False) -> float:
    """Milliseconds to wait; 0 when taken."""
    window = rate.seconds
    seconds, micros = int(now), round((now - int(now)) * 1e6)
    arguments = [int(charge), window, min(1.0, takes / rate.calls) * window, seconds, micros]
    _, wait, _ = store.eval(TIMED, 2, "{mcp}:bell", "{mcp}:bucket", *arguments)
    return float(wait)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rate=rates, steps=steps)
def test_R04_never_more_passes_than_the_bucket_holds_and_what_came_in_since(
    store: Any, rate: Rate, steps: list[tuple[float, int]]
) -> None:
    store.flushall()
    now, taken = START, 0
    for pause, takes in steps:
        now += pause * rate.seconds
        # keys expire by the store's own clock, which stands still here
        if store.exists("{mcp}:bucket"):
            store.persist("{mcp}:bucket")
        wait = ask(store, now, rate, takes)
        if wait == 0:
            taken += min(takes, rate.calls)
        since = (now - START) * rate.per_second
        assert taken <= rate.calls + since * (1 + 1e-9) + 1e-3
        if wait > 0:  # nothing was taken, and the wait that is named is enough, and not too long
            assert wait <= math.ceil(rate.seconds * 1000)
            before = store.get("{mcp}:bucket")
            assert ask(store, now + wait / 1000 + 2e-6, rate, takes) == 0
            store.set("{mcp}:bucket", before)
            assert ask(store, now + max(0.0, wait - 2) / 1000, rate, takes) > 0 or wait <= 2
            store.set("{mcp}:bucket", before)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rate=rates, charges=st.lists(st.integers(1, 200), max_size=8))
def test_what_is_charged_is_owed_for_one_window_at_most(
    store: Any, rate: Rate, charges: list[int]
) -> None:
    store.flushall()
    for charge in charges:
        ask(store, START, rate, charge, charge=True)
    wait = ask(store, START, rate, 1)
    assert wait <= math.ceil((rate.seconds + rate.seconds / rate.calls) * 1000) + 1
    if wait:
        assert ask(store, START + wait / 1000 + 2e-6, rate, 1) == 0


@given(rate=rates, steps=steps, replicas=st.integers(1, 5))
def test_R05_replicas_alone_let_through_no_more_together_than_one_limit(
    rate: Rate, steps: list[tuple[float, int]], replicas: int
) -> None:
    now = [0.0]
    alone = [LocalBuckets(1 / replicas, clock=lambda: now[0]) for _ in range(replicas)]
    taken = 0
    for pause, _ in steps:
        now[0] += pause * rate.seconds
        taken += sum(one.take([Bucket("k", rate, 1)])[1] == 0 for one in alone)
        # each may make one call, however small its share
        least = max(rate.calls, replicas)
        assert taken <= least + now[0] * rate.per_second + 1e-6


def test_the_memory_of_one_replica_alone_is_bounded() -> None:
    alone = LocalBuckets(1.0)
    for number in range(10_100):
        alone.take([Bucket(f"k{number}", Rate(calls=1, seconds=60), 1)])
    assert len(alone._full) == 10_000
    assert alone.take([Bucket("k10099", Rate(calls=1, seconds=60), 1)])[1] == 1
