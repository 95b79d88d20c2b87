"""The operators' commands as they are typed: what they say, and what they refuse."""

import pytest
from gateway.audit.conftest import Place
from gateway.audit.past import a_day, ago
from gateway.audit.sealed import calling
from gateway.audit.test_cli import audit


async def test_a_dry_run_says_what_goes_and_what_stays_and_changes_nothing(place: Place) -> None:
    async with calling(place) as (_, calls):
        await calls.many("ana", 3)
    before = await place.rows("SELECT * FROM audit.subject_key")
    code, out = await audit(place, "erase", "--person", "ana")
    assert code == 0
    assert "goes: 1 keys, with them 3 calls' arguments" in out
    assert "stays: 6 records that name them" in out
    assert "nothing was changed" in out
    assert await place.rows("SELECT * FROM audit.subject_key") == before
    code, out = await audit(place, "erase", "--person", "nina")
    assert (code, "nobody called 'nina' is on the record" in out) == (2, True)


async def test_a_dry_run_of_retiring_names_the_days(place: Place) -> None:
    await a_day(place, ago(40))
    code, out = await audit(place, "retire", "--before", ago(30).isoformat())
    assert code == 0
    assert f"1 days would go: {ago(40)} to {ago(40)}" in out
    code, out = await audit(place, "retire", "--before", ago(40).isoformat())
    assert (code, "no day before" in out) == (2, True)
    code, out = await audit(place, "retire", "--before", ago(-1).isoformat())
    assert (code, "wait a day" in out) == (2, True)


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (["open", "--rid", "c-1"], "GATEWAY_KEYS"),
        (["erase", "--person", "ana"], "GATEWAY_KEYS"),
        (["retire", "--before", "2026-01-01"], "GATEWAY_LEDGER_READER_URL"),
        (["restored", "--backup", "b", "--taken", "2026-01-01"], "GATEWAY_KEYS"),
        (["rotate"], "GATEWAY_KEYS"),
    ],
)
async def test_a_missing_setting_is_named(words: list[str], missing: str) -> None:
    code, out = await audit(None, *words)
    assert (code, missing in out, "Traceback" in out) == (2, True, False)


async def test_what_cannot_be_recorded_is_not_shown(place: Place) -> None:
    """This test's server runs without fsync, so the ledger takes nothing; nor does it show any."""
    async with calling(place) as (_, calls):
        await calls.of("ana", "a-1", {"text": "not to be seen"})
    code, out = await audit(place, "open", "--rid", "a-1", GATEWAY_LEDGER_URL=place.writer)
    assert code == 2
    assert "not to be seen" not in out
