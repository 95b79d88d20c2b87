"""H25, H27: callers who leave in crowds or call others away, and streams that outlive a right."""

import asyncio
import json
from base64 import urlsafe_b64decode
from typing import Any

import asyncpg
import pytest
from attacks.oracle import unharmed
from house.asks import body_of, result_of, until
from house.backends import Counted
from house.conftest import Opened
from house.folders import POLICIES
from house.house import META, House
from house.operator import Operator
from house.wire import Wire, events
from shared.toolbox import wait_long

from mcp_gateway.listing import listening

WIDE = "limits: { person_rate: 100000/minute, refused_rate: 100000/minute }\n"
PATIENT = POLICIES["numbers"].replace(
    "wait_long: { roles: [analyst], timeout: 1s }",
    "wait_long: { roles: [analyst, contractor], timeout: 30s, rate: 100000/minute }",
)
CROWD, AT_ONCE = 300, 60
CANCELLED_SECONDS = 5.0  # of the twenty that the work would go on
ALL = {"toolsListChanged": True, "promptsListChanged": True}


def waiting(home: House, seconds: float, *, streamed: bool = True) -> Wire:
    params: dict[str, Any] = {"name": "numbers_wait_long", "arguments": {"seconds": seconds}}
    params["_meta"] = {**META, "progressToken": 1} if streamed else META
    headers = home.headers("tools/call", name="numbers_wait_long")
    return Wire(home.gateway, headers, [body_of(params=params)])


async def backends(home: House) -> int:
    connection = await asyncpg.connect(home.ledger_url)
    try:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
    finally:
        await connection.close()
    return found


async def test_H25_a_crowd_that_leaves_is_one_outcome_each_and_no_work_goes_on(
    server: Counted, opened: Opened
) -> None:
    wait_long.CANCELLED.clear()
    policies = {"numbers": PATIENT}
    async with opened(server, policies=policies, extra=WIDE) as home:
        await waiting(home, 0).run()
        before, tasks = await backends(home), len(asyncio.all_tasks())
        gone: list[float] = []

        async def leave(number: int) -> None:
            async with at_once:
                wire = waiting(home, 20 + number / 1000, streamed=number % 3 > 0)
                running = asyncio.create_task(wire.run())
                match number % 3:
                    case 0:  # before anything came
                        await asyncio.sleep(0.01)
                    case 1:  # in the middle of a stream
                        await asyncio.wait_for(wire.first.wait(), 10)
                    case _:  # once the call has arrived
                        await until(lambda: reached(number))
                wire.leave.set()
                # not wait_for, which would end what should have ended by itself
                ended, _ = await asyncio.wait({running}, timeout=CANCELLED_SECONDS)
                assert ended
                assert b'"result"' not in wire.body

        def reached(number: int) -> bool:
            sought = f'"seconds": {20 + number / 1000}}}'.encode()
            return any(sought in body for _, body in server.seen)

        at_once = asyncio.Semaphore(AT_ONCE)
        async with unharmed(home) as told:
            await asyncio.gather(*map(leave, range(CROWD)))
            told.let_in = sum(reached(number) for number in range(CROWD))
            assert told.let_in >= CROWD * 2 / 3
            await until(lambda: len(wait_long.CANCELLED) >= told.let_in, CANCELLED_SECONDS)
            gone = list(wait_long.CANCELLED)
            # who left before they were read has asked for nothing
            told.answers = len(await home.records(kind="intent")) - 1
        assert len(set(gone)) == len(gone)
        outcomes = await home.records(kind="outcome")
        reasons = {(one["status"], one["reason"]) for one in outcomes[1:-1]}
        assert reasons == {("cancelled", "caller_gone")}
        intents = {one["rid"] for one in await home.records(kind="intent")}
        assert {one["rid"] for one in outcomes} == intents
        await until(lambda: len(asyncio.all_tasks()) <= tasks + 20)
        assert await backends(home) <= before + 1


async def test_H25_nobody_calls_back_what_somebody_else_has_asked(
    server: Counted, opened: Opened
) -> None:
    wait_long.CANCELLED.clear()
    async with opened(server, policies={"numbers": PATIENT}, extra=WIDE) as home:
        asking = {"name": "numbers_wait_long", "arguments": {"seconds": 0.7}}
        async with unharmed(home, records=2, upstream=2) as told:
            calls = [
                asyncio.create_task(home.legacy("tools/call", asking)),
                asyncio.create_task(home.post("tools/call", asking)),
            ]
            await until(lambda: len(server.calls) == 2)
            ids = [7, "7", 7.0, None, *(call["id"] for call in server.calls), *range(200)]
            for person, endpoint in (("dee", ""), ("ben", ""), ("ana", "numbers")):
                for one in ids if person == "dee" else ids[:6]:
                    note = {
                        "jsonrpc": "2.0", "method": "notifications/cancelled",
                        "params": {"requestId": one, "reason": "x"},
                    }  # fmt: skip
                    headers = {
                        "authorization": f"Bearer {home.token(person, endpoint)}",
                        "content-type": "application/json", "mcp-protocol-version": "2025-11-25",
                    }  # fmt: skip
                    path = f"/servers/{endpoint}/mcp" if endpoint else "/mcp"
                    told.hear((await home.http.post(path, json=note, headers=headers)).content)
            for answer in await asyncio.gather(*calls):
                assert result_of(answer)["structuredContent"] == {"seconds": 0.7}
                told.hear(answer.content)
        assert not wait_long.CANCELLED


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "LOOK_SECONDS", 0.05)


def listens(home: House, person: str) -> Wire:
    headers = home.headers("subscriptions/listen", person=person)
    params = {"notifications": ALL, "_meta": META}
    return Wire(home.gateway, headers, [body_of(method="subscriptions/listen", params=params)])


@pytest.mark.usefixtures("quickly")
async def test_H27_a_stream_ends_with_the_right_to_it(
    server: Counted, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocked, revoked, or the token's end; and what it tells is judged anew each time."""
    policies = {"numbers": POLICIES["numbers"].replace("contractor: 2", "contractor: 20")}
    async with opened(server, policies=policies) as home:
        operator = Operator(home, monkeypatch)
        ends = {
            "blocked": ("block", "--person", "ana"),
            "revoked": ("revoke", "--person", "ana"),
            "the agent": ("block", "--agent", "mcp-dev-cli"),
        }
        for name, command in ends.items():
            home._tokens.clear()
            async with unharmed(home, records=0, person="dee") as told:
                wire, other = listens(home, "ana"), listens(home, "dee")
                running = [asyncio.create_task(one.run()) for one in (wire, other)]
                await until(lambda: len(wire.sent) > 1 and len(other.sent) > 1)  # noqa: B023
                await operator(*command)
                await asyncio.wait_for(running[0], 5)
                last = events(wire.body)[-1]
                assert last["id"] == 7, name
                assert last["result"]["resultType"] == "complete"
                again = told.answer(await home.post("tools/list"))
                assert again.status_code in {401, 403}, name
                assert running[1].done() is (name == "the agent")
                other.leave.set()
                await running[1]
                told.hear(wire.body + other.body)
                if name != "revoked":
                    await operator("unblock", *command[1:])
        home._tokens.clear()
        assert home.gateway.edge is not None
        made = home.gateway.edge.pipeline.aside.listening
        expires = json.loads(_claims(home.token("ana")))["exp"]
        wire = listens(home, "ana")
        running = [asyncio.create_task(wire.run())]
        await until(lambda: len(wire.sent) > 1)
        made.clock = lambda: expires - 1
        await asyncio.sleep(0.2)
        assert not running[0].done()
        made.clock = lambda: float(expires)
        await asyncio.wait_for(running[0], 5)
        assert events(wire.body)[-1]["id"] == 7


def _claims(token: str) -> bytes:
    return urlsafe_b64decode(token.split(".")[1] + "==")
