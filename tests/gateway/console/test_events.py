"""A list of events says who did it; what it was about is on the page where reading is recorded."""

import orjson
import pytest
from gateway.console.conftest import House

from mcp_gateway.console.events import MOST_CHARACTERS, told


@pytest.mark.parametrize(
    ("body", "who", "about"),
    [
        ({"detail": {"by": "olu", "name": "ben", "why": "<b>", "seconds": None}}, "olu", "name ben, why <b>"),
        ({"detail": {"person": "olu", "sub": "s-1", "roles": ["a", "b"]}}, "olu", "roles a b"),
        ({"detail": {"changed": [], "more": 0}, "replica": "gateway-1"}, "gateway-1", ""),
        ({"person": "ana", "detail": "a word", "replica": "x"}, "ana", ""),
        ({"detail": {"deep": {"a": [1]}}}, "", 'deep {"a":[1]}'),
        ({"detail": {"error": "one\ntwo"}}, "", "error one; two"),
        (["no", "object"], "", ""),
    ],
)  # fmt: skip
def test_who_and_about_what_is_read_from_the_body(body: object, who: str, about: str) -> None:
    assert told(orjson.dumps(body)) == (who, about)


def test_what_is_no_json_and_what_is_endless_is_no_trouble() -> None:
    assert told(b"{not json") == ("", "")
    assert len(told(orjson.dumps({"detail": {"error": "x" * 5000}}))[1]) == MOST_CHARACTERS


async def test_events_are_listed_with_who_and_only_the_audit_page_says_about_what(
    house: House,
) -> None:
    detail = {"by": "root <desk>", "name": "ben", "why": "leaver"}
    await house.write("event", reason="blocked", detail=detail, person=None)
    async with house.visit() as browser:
        calls = (await browser.get("/console/calls?show=events")).text
        audit = (await browser.get("/console/audit?show=events")).text
    for page in (calls, audit):
        row = page.partition("blocked</a>")[0].rpartition("<tr>")[2]
        assert "root &lt;desk&gt;" in row
    assert "leaver" not in calls, "this list is not on the record"
    assert "name ben, why leaver" in audit
