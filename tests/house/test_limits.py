"""Limits of the whole house: whom they count, over how many ways in, and what floods meet."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from asgi import client_of
from house.asks import GOOD, tool_error
from house.backends import Counted
from house.conftest import Opened
from house.folders import POLICIES
from house.house import GATEWAY, House
from house.test_switches import another_replica

from mcp_gateway import throttle
from mcp_gateway.throttle import TOKEN_BYTES

ADD = GOOD["name"]
TWENTY = POLICIES["numbers"].replace("1000/minute", "20/hour")
CHEAP = POLICIES["numbers"].replace("tools:\n", "rate: 30/hour\ntools:\n")
# answers of some length, as a server of ours would give them
LONG = b'{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[],"_":"%s"}}' % (
    b"x" * TOKEN_BYTES * 3
)


def passed(answers: list[Any]) -> int:
    return sum(not one.json().get("result", {"isError": True}).get("isError") for one in answers)


async def test_R01_a_limit_is_the_persons_whatever_address_is_claimed(home: House) -> None:
    answers = []
    for number in range(4):
        address = f"203.0.113.{number}"
        claims = {
            "x-forwarded-for": address, "x-real-ip": address, "forwarded": f"for={address}",
            "x_forwarded_for": address, "true-client-ip": address,
        }  # fmt: skip
        answers.append(await home.call(ADD, GOOD["arguments"], person="dee", headers=claims))
    assert passed(answers) == 2
    assert tool_error(answers[-1])[1]["code"] == "rate_limited"


async def test_R02_two_replicas_and_every_way_in_share_one_limit(
    server: Counted, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # sixty calls at once in one process: on a busy machine the store only seems to be away
    monkeypatch.setattr(throttle, "ANSWER_SECONDS", 10.0)
    async with (
        opened(server, policies={"numbers": TWENTY}) as home,
        another_replica(home, tmp_path / "second") as second,
    ):
        policy = second.gateway.settings.config.parent.parent / "servers/numbers/policy.yaml"
        policy.write_text(TWENTY)
        await home.settled(1, kind="event", reason="policy_changed")

        async def ask(number: int) -> Any:
            one = (home, second)[number % 2]
            match number % 3:
                case 0:
                    return await one.call(ADD, GOOD["arguments"])
                case 1:
                    return await one.call("add_numbers", GOOD["arguments"], endpoint="numbers")
            return await one.legacy("tools/call", GOOD)

        answers = await asyncio.gather(*map(ask, range(60)))
        assert passed(list(answers)) == 20
        assert len(server.calls) == 20
        # a name in another case is another name, and none that exists
        assert (await home.call("numbers_Add_Numbers", GOOD["arguments"])).status_code == 400


async def test_the_wait_that_is_named_is_enough_and_not_more(
    server: Counted, opened: Opened
) -> None:
    policy = POLICIES["numbers"].replace("1000/minute", "1/second")
    async with opened(server, policies={"numbers": policy}) as home:
        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        _, said = tool_error(await home.call(ADD, GOOD["arguments"]))
        assert 0 < said["retryAfter"] <= 1
        await asyncio.sleep(said["retryAfter"] + 0.01)
        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        prompt = await home.post("prompts/get", {"name": "numbers_nothing"})
        assert prompt.status_code == 400


async def test_R06_costs_and_long_answers_use_up_what_people_share(
    server: Counted, opened: Opened
) -> None:
    policy = CHEAP.replace("add_numbers: {", "add_numbers: { cost: 5,")
    async with opened(server, policies={"numbers": policy}) as home:
        assert passed([await home.call(ADD, GOOD["arguments"]) for _ in range(2)]) == 2

        async def behave(_scope: Any, _receive: Any, send: Any) -> None:
            head = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": head})
            await send({"type": "http.response.body", "body": LONG})

        server.behave = behave
        # twenty of thirty are left: a long answer takes one before, and three more after
        wait = {"seconds": 0}
        for _ in range(5):
            assert passed([await home.call("numbers_wait_long", wait)]) == 1
            await asyncio.sleep(0.05)
        text, said = tool_error(await home.call("numbers_wait_long", wait))
        assert said["code"] == "rate_limited"
        assert "this server's calls by everybody" in text
        # for others, too
        assert tool_error(await home.call(ADD, GOOD["arguments"], person="dee"))[1]["retryAfter"]


async def test_R05_expensive_reads_stop_without_a_store_and_cheap_ones_go_on(
    server: Counted, opened: Opened
) -> None:
    policy = POLICIES["numbers"].replace("wait_long: {", "wait_long: { cost: 2,")
    async with opened(
        server, policies={"numbers": policy}, redis_url="redis://127.0.0.1:1/0"
    ) as home:
        _, said = tool_error(await home.call("numbers_wait_long", {"seconds": 0}))
        assert said["code"] == "limiter_unavailable"
        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        waits = []
        for _ in range(20):
            started = time.monotonic()
            assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
            waits.append(time.monotonic() - started)
        assert sorted(waits)[10] < 0.25


async def test_R08_a_flood_without_a_token_is_slowed_and_those_who_are_known_are_not(
    server: Counted, opened: Opened
) -> None:
    limits = "limits: { refused_rate: 50/minute }\n"
    async with opened(server, extra=limits) as home:
        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        counts: dict[int, int] = {}
        for number in range(400):
            headers = {"authorization": f"Bearer x{number}", "x-forwarded-for": f"10.0.0.{number}"}
            response = await home.post("tools/list", headers=headers)
            counts[response.status_code] = counts.get(response.status_code, 0) + 1
        assert counts[401] <= 52
        assert counts[429] >= 348
        assert int(response.headers["retry-after"]) >= 1
        assert response.json()["error"]["message"].startswith("Too many requests from here")
        started = time.monotonic()
        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        assert time.monotonic() - started < 1
        # the record has a sample, not the flood
        assert len(await home.records(kind="event")) <= 12


async def test_R08_behind_a_proxy_each_client_is_counted_for_itself(
    server: Counted, opened: Opened
) -> None:
    limits = "limits: { refused_rate: 5/minute, trusted_proxies: 1 }\n"
    async with opened(server, extra=limits) as home, client_of(home.gateway, GATEWAY) as http:
        home.http = http

        async def stranger(claimed: str, behind: str) -> int:
            sent = {"authorization": "Bearer x", "x-forwarded-for": f"{claimed}, {behind}"}
            return (await home.post("tools/list", headers=sent)).status_code

        codes = [await stranger(f"10.0.0.{number}", "203.0.113.1") for number in range(8)]
        assert codes == [401] * 5 + [429] * 3
        assert await stranger("203.0.113.1", "203.0.113.2") == 401


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"jsonrpc":"2.0"}'])
async def test_R08_a_person_who_sends_nonsense_again_and_again_is_slowed(
    server: Counted, opened: Opened, body: bytes
) -> None:
    limits = "limits: { refused_rate: 20/minute }\n"
    async with opened(server, extra=limits) as home:
        codes = [(await home.post("tools/list", body=body)).status_code for _ in range(30)]
        assert codes == [400] * 20 + [429] * 10
        assert (await home.post("tools/list", person="dee")).status_code == 200
