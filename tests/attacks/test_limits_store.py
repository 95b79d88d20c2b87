"""R05: the store of the limits killed, frozen, read-only, full, or emptied, in a real Valkey each time."""

import asyncio
import contextlib
import os
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from attacks.oracle import unharmed
from house.asks import GOOD, tool_error
from house.backends import Counted
from house.conftest import Opened
from house.folders import POLICIES
from house.house import House
from house.test_limits import passed

from mcp_gateway.limits.throttle import ANSWER_SECONDS, PROBE_SECONDS
from mcp_local import valkey

ADD, NOTE = GOOD["name"], {"number": 1, "idempotency_key": "key-00001"}
DEAR = POLICIES["numbers"].replace("wait_long: {", "wait_long: { cost: 2,")
ADDED_SECONDS = 0.05  # of the median call
CALLS = 15
Store = Any  # redis-py does not type what it executes


def kill(_: Store, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def freeze(_: Store, pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)


def read_only(store: Store, _: int) -> None:
    store.execute_command("REPLICAOF", "127.0.0.1", "1")  # of a primary that is not there


def fill(store: Store, _: int) -> None:
    store.config_set("maxmemory-policy", "noeviction")
    store.config_set("maxmemory", "1")


def thaw(_: Store, pid: int) -> None:
    os.kill(pid, signal.SIGCONT)


def promote(store: Store, _: int) -> None:
    store.execute_command("REPLICAOF", "NO", "ONE")


def empty(store: Store, _: int) -> None:
    store.config_set("maxmemory", "0")


STATES: dict[str, tuple[Callable[[Store, int], None], Callable[[Store, int], None] | None]] = {
    "killed": (kill, None),
    "frozen": (freeze, thaw),
    "read-only": (read_only, promote),
    "full": (fill, empty),
}


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[valkey.Valkey, int]]:
    with valkey.running(tmp_path / "valkey") as store:
        pid = int(valkey.pid_file(tmp_path / "valkey").read_text())
        yield store, pid
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)  # else it cannot end


async def timed(home: House) -> float:
    started = time.perf_counter()
    assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
    return time.perf_counter() - started


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("state", STATES)
async def test_R05_without_its_store_what_could_harm_stops_and_the_rest_goes_on_under_a_share(
    server: Counted, opened: Opened, own: tuple[valkey.Valkey, int], state: str
) -> None:
    known, pid = own
    breaks, mends = STATES[state]
    store: Store = redis.Redis.from_url(known.url)
    async with opened(server, policies={"numbers": DEAR}, redis_url=known.url) as home:
        with contextlib.closing(store):
            before = [await timed(home) for _ in range(CALLS)]
            breaks(store, pid)
            async with unharmed(home) as told:
                for tool, arguments in (
                    ("numbers_note_number", NOTE),
                    ("numbers_wait_long", {"seconds": 0}),
                ):
                    for _ in range(2):  # the first finds out, the next one knows
                        started = time.perf_counter()
                        answer = told.answer(await home.call(tool, arguments))
                        text, said = tool_error(answer)
                        assert said["code"] == "limiter_unavailable", tool
                        assert "Nothing was done" in text
                        assert time.perf_counter() - started < 2 * ANSWER_SECONDS + 1
                after = [await timed(home) for _ in range(CALLS)]
                told.answers, told.let_in = told.answers + CALLS, CALLS
                # half of a contractor's two calls a minute, of this one of two replicas
                theirs = [
                    told.answer(await home.call(ADD, GOOD["arguments"], person="dee"))
                    for _ in range(3)
                ]
                assert passed(theirs) == 1
                told.let_in += 1
                assert tool_error(theirs[-1])[1]["code"] == "rate_limited"
            allowed = 2 * statistics.median(before) + ADDED_SECONDS
            assert statistics.median(after) < allowed
            if mends is None:
                return
            mends(store, pid)
            await _counted_again(home)


async def _counted_again(home: House) -> None:
    deadline = time.monotonic() + PROBE_SECONDS + 20
    while True:
        answer: Any = await home.call("numbers_note_number", NOTE)
        if passed([answer]):
            return
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.1)


async def test_R05_a_store_that_has_lost_everything_gives_one_bucket_more_and_no_end(
    server: Counted, opened: Opened, own: tuple[valkey.Valkey, int]
) -> None:
    """A failover to a replica that had nothing yet."""
    known, _ = own
    async with opened(server, redis_url=known.url) as home, unharmed(home) as told:
        found = []
        with redis.Redis.from_url(known.url) as store:
            for _ in range(2):
                for _ in range(4):
                    answer = await home.call(ADD, GOOD["arguments"], person="dee")
                    found.append(told.answer(answer))
                store.flushall()
        assert passed(found) == 4
        told.let_in = 4
