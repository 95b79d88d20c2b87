"""U11: the server has acted, and nobody hears the end of it. Unknown, said so, and not repeated."""

import asyncio

import pytest
from attacks.upstream import Malicious, failure, outcome
from house.asks import until
from house.house import House

WAYS = {
    "500": "server_failed", "500 with an error": "server_failed", "error": "server_failed",
    "half": "server_failed", "close": "server_failed", "reset": "server_failed", "hang": "timed_out",
    "huge": "answer_too_large",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
async def test_u11_a_write_nobody_heard_the_end_of_is_unknown_and_not_sent_again(
    behind: House, evil: Malicious, way: str
) -> None:
    text, code, status, reason = await failure(behind, "numbers_pay", way, person="ben")
    assert (code, status, reason) == (WAYS[way], "unknown", WAYS[way])
    assert evil.effects(way) == 1
    assert "Whether it acted is unknown" in text
    assert "do not repeat it" in text
    assert "10.0.0.7" not in text
    intent, last = (await behind.records())[-2:]
    assert intent["rid"] == last["rid"]
    assert last["rid"] in text  # how an operator finds it


@pytest.mark.parametrize("way", WAYS)
async def test_u11_with_an_idempotency_key_the_answer_says_that_it_makes_a_repetition_safe(
    behind: House, evil: Malicious, way: str
) -> None:
    key = {"idempotency_key": "key-00001"}
    text, *_ = await failure(behind, "numbers_note", way, person="ben", arguments=key)
    assert "repeat it only with the same idempotency_key" in text
    assert evil.effects(way) == 1


@pytest.mark.parametrize("way", ["500", "error", "hang"])
async def test_u11_a_read_that_fails_the_same_way_may_be_asked_again(
    behind: House, evil: Malicious, way: str
) -> None:
    text, *_ = await failure(behind, "numbers_look", way)
    assert "do not repeat" not in text
    assert evil.effects(way) == 1


async def test_u11_a_caller_who_leaves_after_the_effect_leaves_an_outcome(
    behind: House, evil: Malicious
) -> None:
    asked = asyncio.create_task(behind.call("numbers_pay", {"how": "hang"}, person="ben"))
    await until(lambda: evil.effects("hang") == 1)
    asked.cancel()
    await asyncio.wait({asked})
    await until(lambda: bool(evil.told("gone", how="hang")))
    await behind.settled(1, kind="outcome")
    assert (await outcome(behind))["status"] in {"cancelled", "unknown"}
    assert evil.effects("hang") == 1


async def test_u11_after_failures_the_server_rests_and_what_is_not_sent_has_not_acted(
    behind: House, evil: Malicious
) -> None:
    for _ in range(5):
        await failure(behind, "numbers_pay", "close", person="ben")
    text, code, status, _ = await failure(behind, "numbers_pay", "close", person="ben")
    assert (code, status) == ("circuit_open", "failed")
    assert "Nothing was done" in text
    assert evil.effects("close") == 5
