"""A tool under its earlier name: the same tool in every respect, until the name's last day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from house.asks import error_of, result_of, tool_error
from house.backends import a_server, counted_server
from house.conftest import Opened
from house.operator import Operator
from people import Issuer
from shared.toolbox import add_numbers

from mcp_shared.meta import RENAMED
from mcp_shared.renames import Renamed

OLD, NEW = "numbers_sum_numbers", "numbers_add_numbers"
ONE: dict[str, Any] = {"numbers": [1]}
TODAY = datetime.now(UTC).date()


@pytest.fixture
def renamed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def until(day: date) -> None:
        told = Renamed("sum_numbers", until=day)
        monkeypatch.setattr(add_numbers, "RENAMED_FROM", told, raising=False)

    return until


async def test_an_earlier_name_leads_to_the_tool_and_the_answer_says_its_name_now(
    issuer: Issuer, opened: Opened, renamed: Any
) -> None:
    renamed(TODAY + timedelta(days=1))
    async with counted_server(issuer, a_server()) as server, opened(server) as home:
        for old, endpoint in ((OLD, ""), ("sum_numbers", "numbers")):
            result = result_of(await home.call(old, ONE, endpoint=endpoint))
            assert result["structuredContent"]["total"] == 1
            new = NEW if not endpoint else "add_numbers"
            until = (TODAY + timedelta(days=1)).isoformat()
            assert result["_meta"][RENAMED] == {"name": new, "until": until}
        assert RENAMED not in result_of(await home.call(NEW, ONE))["_meta"]
        assert {call["params"]["name"] for call in server.calls} == {"add_numbers"}
        assert {one["tool"] for one in await home.records(kind="intent")} == {"add_numbers"}
        listed = result_of(await home.post("tools/list"))["tools"]
        (tool,) = (one for one in listed if one["name"] in {OLD, NEW})
        assert (tool["name"], tool["_meta"][RENAMED]["name"]) == (NEW, "sum_numbers")


async def test_an_earlier_name_is_no_way_around_rights_switches_or_checks(
    issuer: Issuer, opened: Opened, renamed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(TODAY)
    async with counted_server(issuer, a_server()) as server, opened(server) as home:
        unknown = error_of(await home.call("numbers_nothing", ONE, person="cho"))
        refused = error_of(await home.call(OLD, ONE, person="cho"))
        assert (refused["code"], refused["message"]) == (unknown["code"], unknown["message"])
        text, _ = tool_error(await home.call(OLD, {"numbers": [99]}))
        assert f"The arguments of {NEW} have 1 problem" in text
        await Operator(home, monkeypatch)("block", "--tool", NEW)
        _, said = tool_error(await home.call(OLD, ONE))
        assert said["code"] == "closed"
        assert not server.calls


async def test_a_day_later_the_earlier_name_leads_nowhere(
    issuer: Issuer, opened: Opened, renamed: Any
) -> None:
    renamed(TODAY - timedelta(days=1))
    async with counted_server(issuer, a_server()) as server, opened(server) as home:
        assert error_of(await home.call(OLD, ONE))["message"] == "Unknown tool"
        assert result_of(await home.call(NEW, ONE))
        assert len(server.calls) == 1
