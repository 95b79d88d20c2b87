"""A part is away: what goes on, what stops, and what is said. Each part is on a cable of its own."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import pytest_asyncio
from house.asks import GOOD, error_of, tool_error, until
from house.backends import Counted
from house.cable import Cable, cable
from house.conftest import Opened
from house.house import House

from mcp_gateway.limits.throttle import ANSWER_SECONDS as AWAY_SECONDS
from mcp_local import valkey
from mcp_local.valkey import Valkey

NOTE = {"number": 1, "idempotency_key": "key-00001"}
SOON = 3.0  # far below what a call would wait for that nothing cuts short


def through(port: int) -> Any:
    """The same URL, by way of the cable."""

    def changed(url: str) -> str:
        parts = urlsplit(url)
        login = parts.netloc.rpartition("@")[0]
        return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))

    return changed


async def timed(response: Any) -> tuple[float, Any]:
    started = time.monotonic()
    answer = await response
    return time.monotonic() - started, answer


# --- Valkey


@pytest_asyncio.fixture
async def store(valkey_server: Valkey) -> AsyncIterator[Cable]:
    async with cable(valkey_server.port) as made:
        yield made


@pytest.mark.usefixtures("impatient")
async def test_with_valkey_dead_reads_go_on_under_a_local_share_and_writes_stop(
    server: Counted, opened: Opened, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as own:
        store = own.enter_context(valkey.running(tmp_path / "valkey"))
        async with opened(server, redis_url=store.url) as home:
            assert (await home.call("numbers_note_number", NOTE)).json()["result"]
            own.close()  # the process ends
            seconds, answer = await timed(home.call(GOOD["name"], GOOD["arguments"]))
            assert answer.json()["result"]["structuredContent"]["total"] == 1
            assert seconds < SOON  # a quarter of a second for the store, and the call itself
            seconds, answer = await timed(home.call("numbers_note_number", NOTE))
            text, said = tool_error(answer)
            assert said["code"] == "limiter_unavailable"
            assert "Nothing was done" in text
            assert seconds < SOON
            # half of a contractor's two calls a minute, for this replica alone
            assert (await home.call(GOOD["name"], GOOD["arguments"], person="dee")).json()["result"]
            _, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"], person="dee"))
            assert said["code"] == "rate_limited"
            decisions = [one["decision"] for one in await home.records(kind="refusal")]
            assert decisions == ["error", "limit"]
            # what is not for her reads as before: no word of the limiter
            hidden = await home.call("numbers_note_number", NOTE, person="dee")
            assert error_of(hidden)["message"] == "Unknown tool"
    assert len(server.calls) == 3


@pytest.mark.usefixtures("impatient")
async def test_r05_a_valkey_that_hangs_counts_as_away_and_is_found_again(
    server: Counted, opened: Opened, store: Cable, valkey_server: Valkey
) -> None:
    url = through(store.port)(valkey_server.url)
    async with opened(server, redis_url=url) as home:
        assert (await home.call(GOOD["name"], GOOD["arguments"], person="dee")).json()["result"]
        store.freeze()
        for _ in range(2):
            seconds, answer = await timed(home.call("numbers_note_number", NOTE))
            assert tool_error(answer)[1]["code"] == "limiter_unavailable"
            assert seconds < SOON
        started = time.monotonic()
        for _ in range(20):  # known to be away: nobody waits for it any more
            assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]
        assert time.monotonic() - started < 20 * AWAY_SECONDS
        await store.mend()
        await _noted(home)
        # the count went on where it was: dee has one call left, not two
        assert (await home.call(GOOD["name"], GOOD["arguments"], person="dee")).json()["result"]
        assert tool_error(await home.call(GOOD["name"], GOOD["arguments"], person="dee"))[0]


async def _noted(home: House) -> None:
    """Writes run again: the store has been found."""
    async with asyncio.timeout(10):
        while (await home.call("numbers_note_number", NOTE)).json()["result"].get("isError"):  # noqa: ASYNC110  asked anew
            await asyncio.sleep(0.1)


# --- Postgres


@pytest_asyncio.fixture
async def ledger(postgres_server: Any) -> AsyncIterator[Cable]:
    async with cable(postgres_server.port) as made:
        yield made


async def back(home: House) -> None:
    """Until the ledger takes records again."""
    for _ in range(100):
        response = await home.call(GOOD["name"], GOOD["arguments"])
        if response.status_code == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the ledger did not come back")


async def test_l11_with_postgres_dead_no_call_leaves_and_lists_go_on(
    server: Counted, opened: Opened, ledger: Cable
) -> None:
    async with opened(server, through=through(ledger.port)) as home:
        assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200
        await ledger.cut()
        for tool, person in [
            (GOOD["name"], "ana"), ("numbers_note_number", "dee"), ("numbers_nothing", "ana"),
        ]:  # fmt: skip
            response = await home.call(tool, {}, person=person)
            assert response.status_code == 503
            assert response.headers["retry-after"] == "5"
            assert error_of(response)["code"] == -31503
            assert response.json()["id"] == 7
        assert len(server.calls) == 1
        assert (await home.post("tools/list")).json()["result"]["tools"]
        assert (await home.http.get("/readyz")).status_code == 503
        await ledger.mend()
        await back(home)
        assert (await home.http.get("/readyz")).json()["ledger"] is True
        (gap,) = await home.settled(1, kind="event", reason="ledger_gap")
        assert gap["refused"] >= 3


async def test_l11_a_postgres_that_hangs_stops_calls_within_two_seconds(
    server: Counted, opened: Opened, ledger: Cable
) -> None:
    async with opened(server, through=through(ledger.port)) as home:
        assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200
        ledger.freeze()
        seconds, response = await timed(home.call(GOOD["name"], GOOD["arguments"]))
        assert error_of(response)["code"] == -31503
        assert seconds < 6
        seconds, response = await timed(home.call(GOOD["name"], GOOD["arguments"]))
        assert error_of(response)["code"] == -31503
        assert seconds < 6
        assert len(server.calls) == 1
        await ledger.mend()
        await back(home)


async def test_an_answer_whose_outcome_cannot_be_recorded_does_not_leave(
    server: Counted, opened: Opened, ledger: Cable
) -> None:
    async with opened(server, through=through(ledger.port)) as home:
        assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200
        asked = asyncio.create_task(
            home.call("numbers_wait_long", {"seconds": 0.3}, headers={"accept": "application/json"})
        )
        await until(lambda: len(server.calls) == 2)
        await ledger.cut()
        response = await asked
        assert response.status_code == 503
        error = error_of(response)
        assert error["code"] == -31503
        assert "Whether it acted is unknown" in error["message"]
        assert "seconds" not in response.text
        await ledger.mend()
        await back(home)


# --- the issuer


@pytest_asyncio.fixture
async def sign_in(issuer: Any) -> AsyncIterator[Cable]:
    async with cable(urlsplit(issuer.url).port or 0, "localhost") as made:
        yield made


async def test_with_the_issuer_down_those_who_are_known_go_on(
    server: Counted, opened: Opened, sign_in: Cable
) -> None:
    internal = f"http://127.0.0.1:{sign_in.port}"
    async with opened(server, issuer_internal=internal) as home:
        for person in ("ana", "dee"):
            home.token(person)
        assert (await home.call(GOOD["name"], GOOD["arguments"])).json()["result"]
        await sign_in.cut()
        # known keys, known token, an exchange made before
        answer = await home.call(GOOD["name"], GOOD["arguments"])
        assert answer.json()["result"]["structuredContent"]["who"] == "ana"
        # known keys, so the person is known; a token for the server cannot be had
        text, said = tool_error(await home.call(GOOD["name"], GOOD["arguments"], person="dee"))
        assert said["code"] == "issuer_unavailable"
        assert "Nothing was done" in text
        *_, outcome = await home.records(kind="outcome", person="dee")
        assert (outcome["status"], outcome["reason"]) == ("failed", "issuer_unavailable")
        assert len(server.calls) == 2
        await sign_in.mend()
        answer = await home.call(GOOD["name"], GOOD["arguments"], person="dee")
        assert answer.json()["result"]["structuredContent"]["who"] == "dee"


async def test_without_the_issuers_keys_nobody_can_be_checked(
    server: Counted, opened: Opened, sign_in: Cable
) -> None:
    await sign_in.cut()
    async with opened(server, issuer_internal=f"http://127.0.0.1:{sign_in.port}") as home:
        response = await home.call(GOOD["name"], GOOD["arguments"])
        assert response.status_code == 503
        assert response.headers["retry-after"] == "5"
        assert error_of(response)["message"].startswith("Sign-in cannot be checked now.")
        assert (await home.http.get("/readyz")).status_code == 503
        assert not server.seen
        await sign_in.mend()
        await asyncio.sleep(1.1)  # keys are asked for once a second while there are none
        assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200
