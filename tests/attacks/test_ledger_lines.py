"""L01: values that would break out of their line, on the record and wherever it is shown."""

from typing import Any

import orjson
import pytest
from attacks.oracle import unharmed
from gateway.audit.conftest import Place, body, place, template
from gateway.audit.test_cli import audit
from house.asks import GOOD
from house.house import House

from mcp_gateway.audit import keys
from mcp_gateway.audit.verify import verify

__all__ = ["body", "place", "template"]  # fixtures

BREAKING = {
    "a new line": 'ana\r\n{"kind":"outcome","person":"eve"}',
    "terminal commands": "ana\x1b[2J\x1b]0;title\x07",
    "the end of JSON": 'ana","decision":"deny","x":"',
    "other line ends": "ana\u2028eve\u2029eve\x85eve",
    "text that runs backwards": "ana\u202eeve\u2066",
}
FIELDS = ("person", "agent", "tool", "server", "reason", "method", "rid")


@pytest.mark.parametrize("what", BREAKING)
async def test_L01_a_value_stays_in_its_field_and_on_its_line(
    place: Place, body: dict[str, Any], what: str
) -> None:
    value = BREAKING[what]
    async with place.opened() as ledger:
        for field in FIELDS:
            await ledger.append("refusal", body | {"rid": f"r-{field}"} | {field: value})
    rows = await place.rows("SELECT body FROM audit.record WHERE kind = 'refusal' ORDER BY seq")
    assert len(rows) == len(FIELDS)
    for field, row in zip(FIELDS, rows, strict=True):
        assert b"\n" not in row["body"]
        found = orjson.loads(row["body"])
        assert found[field] == value
        assert (found["kind"], found["decision"]) == ("refusal", body["decision"])
    code, out = await audit(place, "show", "--limit", "50")
    assert code == 0
    lines = out.rstrip("\n").split("\n")
    assert len(lines) == len(out.splitlines()) == len(FIELDS) + 2  # opened and closed
    assert all(line.isprintable() for line in lines)
    report = await verify(place.reader, keys.load_public(place.public))
    assert report.findings == []


@pytest.mark.parametrize("what", [one for one in BREAKING if one != "terminal commands"])
async def test_L01_arguments_that_break_out_are_one_record_each(home: House, what: str) -> None:
    async with unharmed(home) as told:
        told.answer(await home.call(GOOD["name"], {"numbers": [BREAKING[what]]}))
        told.answer(await home.call("numbers_nothing", {BREAKING[what]: BREAKING[what]}))


async def test_L01_ten_megabytes_are_turned_away_before_they_are_a_record(home: House) -> None:
    async with unharmed(home, records=0) as told:
        told.answer(await home.call(GOOD["name"], {"numbers": ["x" * 10_000_000]}))
    assert await home.settled(1, kind="event", reason="turned_away")
