"""R08: floods of what is refused anyhow: who sends them waits, and nobody else does."""

import time
from collections import Counter

import pytest
from asgi import client_of
from attacks.oracle import unharmed
from house.asks import GOOD, body_of
from house.backends import Counted as Server
from house.conftest import Opened
from house.house import GATEWAY, House
from house.test_limits import passed
from house.wire import Wire

ADD = GOOD["name"]
FLOOD, LET = 2_000, 50
LIMITS = f"limits: {{ refused_rate: {LET}/minute }}\n"
RECORDED = 12  # of one kind in a minute, and that there were more


async def flood(home: House, told: list[bytes], body: bytes | None) -> Counter[int]:
    """By status: strangers without a body, or somebody known who sends this one."""
    statuses: Counter[int] = Counter()
    for number in range(FLOOD):
        headers = home.headers("tools/call", name=ADD)
        if body is None:
            headers |= {"authorization": f"Bearer x{number}", "x-forwarded-for": f"10.0.0.{number}"}
        wire = await Wire(home.gateway, headers, [body or body_of()]).run()
        statuses[wire.status] += 1
    told.append(wire.body)
    assert int(wire.answer_headers["Retry-After"]) >= 1
    assert wire.document["error"]["message"].startswith("Too many requests from here")
    return statuses


KINDS: dict[str, tuple[bytes | None, int]] = {
    "no token": (None, 401),
    "no JSON": (b"{", 400),
    "a batch": (b"[]", 400),
    "no method": (b'{"jsonrpc":"2.0"}', 400),
    "another name": (body_of(params={"name": "x"}), 400),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_R08_a_flood_of_refusals_is_slowed_and_costs_less_than_it_costs_its_sender(
    server: Server, opened: Opened, kind: str
) -> None:
    body, status = KINDS[kind]
    async with opened(server, extra=LIMITS) as home:
        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        started = time.process_time()
        for _ in range(20):
            await Wire(home.gateway, home.headers("tools/call", name=ADD), [body_of()]).run()
        one_call = (time.process_time() - started) / 20
        # known before; a person who floods waits themselves, so somebody else makes the good call
        async with unharmed(home, records=0, person="ana" if body is None else "dee") as told:
            started = time.process_time()
            statuses = await flood(home, told.heard, body)
            assert (time.process_time() - started) / FLOOD < one_call
            assert statuses.keys() == {status, 429}
            assert statuses[status] <= LET + 5
        events = await home.records(kind="event", reason="turned_away")
        assert len(events) <= 2 * RECORDED


async def test_R08_behind_a_proxy_each_client_is_counted_for_itself(
    server: Server, opened: Opened
) -> None:
    limits = "limits: { refused_rate: 5/minute, trusted_proxies: 1 }\n"
    async with opened(server, extra=limits) as home, client_of(home.gateway, GATEWAY) as http:
        home.http = http

        async def stranger(claimed: str, behind: str) -> int:
            sent = {"authorization": "Bearer x", "x-forwarded-for": f"{claimed}, {behind}"}
            return (await home.post("tools/list", headers=sent)).status_code

        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        async with unharmed(home, records=0):
            codes = [await stranger(f"10.0.0.{number}", "203.0.113.1") for number in range(8)]
            assert codes == [401] * 5 + [429] * 3
            assert await stranger("203.0.113.1", "203.0.113.2") == 401
