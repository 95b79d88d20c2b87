"""R01, R02, R04, R06: one person as many, many ways in, the edges of a window, and a few huge calls."""

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from attacks.oracle import unharmed
from house.asks import GOOD, error_of, tool_error
from house.backends import Behaviour, Counted, answers
from house.conftest import Opened
from house.folders import POLICIES
from house.house import House
from house.test_limits import passed
from house.test_switches import another_replica

from mcp_gateway.limits import throttle

ADD = GOOD["name"]
TWENTY = POLICIES["numbers"].replace("1000/minute", "20/hour")
WIDE = "limits: { person_rate: 100000/minute }\n"


def claims(number: int) -> dict[str, str]:
    address = f"203.0.113.{number}"
    return {
        "x-forwarded-for": f"{address}, 198.51.100.{number}", "x-real-ip": address,
        "forwarded": f"for={address};by={address}", "true-client-ip": address,
        "cf-connecting-ip": address, "x-client-ip": address, "x-cluster-client-ip": address,
        "x_forwarded_for": address, "x_real_ip": address, "x-forwarded-user": f"p{number}",
        "x-forwarded-host": f"h{number}", "via": f"1.1 p{number}", "user-agent": f"u{number}",
        "x-request-id": f"r{number}", "mcp-session-id": f"s{number}",
    }  # fmt: skip


async def test_R01_a_limit_is_the_persons_whatever_address_is_claimed(home: House) -> None:
    async with unharmed(home, upstream=2) as told:
        answers = [
            told.answer(
                await home.call(ADD, GOOD["arguments"], person="dee", headers=claims(number))
            )
            for number in range(12)
        ]
        assert passed(answers) == 2
        assert {tool_error(one)[1]["code"] for one in answers[2:]} == {"rate_limited"}
        # and nobody is limited for somebody else's address
        theirs = await home.call(ADD, GOOD["arguments"], headers=claims(0))
        assert passed([told.answer(theirs)]) == 1
        told.let_in += 1


async def test_R02_three_replicas_and_every_way_in_share_one_limit(
    server: Counted, opened: Opened, tmp_path: Path
) -> None:
    async with (
        opened(server, policies={"numbers": TWENTY}) as home,
        another_replica(home, tmp_path / "second") as second,
        another_replica(home, tmp_path / "third") as third,
    ):
        for one in (second, third):
            folder = one.gateway.settings.config.parent.parent
            (folder / "servers/numbers/policy.yaml").write_text(TWENTY)
        await home.settled(2, kind="event", reason="policy_changed")
        await home.call(WAIT, {"seconds": 0})  # what comes first takes longer

        async def ask(number: int) -> Any:
            one = (home, second, third)[number % 3]
            match number // 3 % 4:
                case 0:
                    return await one.call(ADD, GOOD["arguments"], request_id=number)
                case 1:
                    return await one.call("add_numbers", GOOD["arguments"], endpoint="numbers")
                case 2:
                    return await one.legacy("tools/call", GOOD, version="2025-03-26")
            return await one.legacy("tools/call", GOOD)

        async with unharmed(home, person="dee") as told:
            found = await asyncio.gather(*map(ask, range(100)))
            assert abs(passed(list(map(told.answer, found))) - 20) <= 1
            told.let_in = passed(found)
            # a name in another case is another name, and none that exists
            for name in ("numbers_Add_Numbers", "NUMBERS_ADD_NUMBERS", "Numbers_add_numbers"):
                assert error_of(told.answer(await second.call(name, {})))["code"] == -32602


async def test_R04_no_burst_at_an_edge_and_no_step_of_a_clock_gives_more_than_the_bucket(
    server: Counted, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_second = POLICIES["numbers"].replace("1000/minute", "5/second")
    async with opened(server, policies={"numbers": a_second}, extra=WIDE) as home:
        store = redis.Redis.from_url(home.gateway.settings.redis_url)
        with contextlib.closing(store):
            await home.call(WAIT, {"seconds": 0})
            async with unharmed(home, person="dee") as told:

                async def burst(seconds: float) -> int:
                    """How many pass of many, however they are spread over the time."""
                    until, count = time.monotonic() + seconds, 0
                    while time.monotonic() < until:
                        found = await asyncio.gather(
                            *(home.call(ADD, GOOD["arguments"]) for _ in range(3))
                        )
                        count += passed([told.answer(one) for one in found])
                    return count

                started = time.monotonic()
                count = await burst(2.2)
                assert count <= 5 + (time.monotonic() - started) * 5 + 1
                assert count >= 5
                # this machine's clock steps: it is not asked
                real = time.time
                monkeypatch.setattr(time, "time", lambda: real() - 7)
                started = time.monotonic()
                stepped = await burst(0.3)
                assert stepped <= (time.monotonic() - started) * 5 + 1
                monkeypatch.setattr(time, "time", real)
                # the store's clock has stepped back: what is kept lies far ahead
                for key in store.keys("*:person:*"):
                    store.set(key, "1e10")
                count += stepped
                assert passed([told.answer(await home.call(ADD, GOOD["arguments"]))]) == 0
                await asyncio.sleep(1.05)  # and nobody is shut out for long
                again = await burst(0.01)
                assert 1 <= again <= 6
                told.let_in = count + again


# --- R06

SHARED = POLICIES["numbers"].replace("tools:\n", "rate: 30/hour\ntools:\n").replace(
    "add_numbers: {", "add_numbers: { cost: 5,"
)  # fmt: skip
LONG = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[],"_":"%s"}}'
WAIT = "numbers_wait_long"


def slow(seconds: float) -> Behaviour:
    async def behave(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(seconds)
        await answers(LONG % b"x")(scope, receive, send)

    return behave


@pytest.mark.parametrize(("what", "each"), [("cost", 5), ("bytes", 4), ("milliseconds", 4)])
async def test_R06_a_few_calls_that_take_as_much_as_many_use_up_as_much(
    server: Counted, opened: Opened, monkeypatch: pytest.MonkeyPatch, what: str, each: int
) -> None:
    """Thirty tokens for everybody: a call takes its cost before, and after it what its answer took."""
    monkeypatch.setattr(throttle, "TOKEN_SECONDS", 0.2 if what == "milliseconds" else 60.0)
    tool, arguments = (ADD, GOOD["arguments"]) if what == "cost" else (WAIT, {"seconds": 0})
    async with opened(server, policies={"numbers": SHARED}) as home:
        await home.call(tool, arguments)  # what comes first takes longer
        with redis.Redis.from_url(home.gateway.settings.redis_url) as store:
            store.flushall()
        await _takes_as_much(home, server, what, each)


async def _takes_as_much(home: House, server: Counted, what: str, each: int) -> None:
    tool, arguments = (ADD, GOOD["arguments"]) if what == "cost" else (WAIT, {"seconds": 0})
    async with unharmed(home) as told:
        if what == "bytes":
            server.behave = answers(LONG % (b"x" * throttle.TOKEN_BYTES * 3))
        if what == "milliseconds":
            server.behave = slow(0.65)
        count = 0
        while count < 30:
            answer = told.answer(await home.call(tool, arguments))
            if passed([answer]) == 0:
                break
            count += 1
            await asyncio.sleep(0.1)  # what it took is charged once it is answered
        text, said = tool_error(answer)
        assert said["code"] == "rate_limited"
        assert "this server's calls by everybody" in text
        # on a slow machine a call takes longer, and so it costs more
        least = 30 // each if what != "milliseconds" else 2
        assert least <= count <= 30 // each + 1
        told.let_in, server.behave = count, None
        other = told.answer(await home.call(ADD, GOOD["arguments"], person="dee"))
        assert tool_error(other)[1]["code"] == "rate_limited"  # for others, too
        with redis.Redis.from_url(home.gateway.settings.redis_url) as store:
            store.flushall()  # an hour later
