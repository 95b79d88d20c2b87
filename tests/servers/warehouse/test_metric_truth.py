"""Every figure is what plain Python makes of the same rows, whatever is asked."""

from collections.abc import AsyncIterator, Callable
from itertools import pairwise
from typing import Any, get_args

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from postgres.loaded import Loaded
from servers.warehouse.plain import Figure, Key, Sales, figures, sales

from mcp_shared.cursors import Cursors
from mcp_shared.faults import Invalid
from mcp_shared.identity import Caller, become
from mcp_warehouse.metrics import LAYER
from mcp_warehouse.models import MetricAnswer, MetricRow
from mcp_warehouse.periods import Period, Span
from mcp_warehouse.reader import Reader, reading
from mcp_warehouse.rights import REGIONS, group_of
from mcp_warehouse.settings import Settings
from mcp_warehouse.tools.get_metric import OfSegment, get_metric

CURSORS = Cursors("secret")
SEGMENTS = get_args(get_args(get_args(OfSegment)[0])[0])
QUESTIONS = [(name, group) for name, one in LAYER.metrics.items() for group in one.breakdowns]
RULES: dict[str, Callable[[Any], float]] = {
    "most": lambda row: -row.value,
    "least": lambda row: row.value,
    "largest": lambda row: -row.last_12_months,
    "greatest_loss": lambda row: row.value - row.previous,
}
SOME = settings(
    max_examples=120, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@pytest_asyncio.fixture(scope="module")
async def reader(warehouse: Loaded) -> AsyncIterator[Reader]:
    async with reading(Settings(database_url=warehouse.ro_url)) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module")
async def rows(warehouse: Loaded) -> Sales:
    return await sales(warehouse.admin_url)


@st.composite
def questions(draw: st.DrawFn) -> dict[str, Any]:
    metric, group = draw(st.sampled_from(QUESTIONS))
    compare = (
        "nothing" if group == "month" else draw(st.sampled_from(["nothing", "previous_period"]))
    )
    regions = draw(st.lists(st.sampled_from(REGIONS), min_size=1, unique=True))
    return {
        "metric": metric, "group_by": group, "compare_with": compare,
        "period": draw(st.sampled_from(get_args(Period))),
        "region": draw(st.none() | st.sampled_from(regions)),
        "nation": draw(st.none() | st.sampled_from(["FRANCE", "CHINA", "UNITED STATES", "IRAN"])),
        "segment": draw(st.none() | st.sampled_from(SEGMENTS)),
        "limit": draw(st.sampled_from([3, 17, 50])),
        "regions": regions,
    }  # fmt: skip


async def all_pages(
    reader: Reader, question: dict[str, Any]
) -> tuple[MetricAnswer, list[MetricRow]]:
    asked = {name: value for name, value in question.items() if name != "regions"}
    groups = frozenset(map(group_of, question["regions"]))
    become(Caller("s", "ana", "Ana", frozenset(), groups, "test"))
    answer = await get_metric(warehouse=reader, cursors=CURSORS, **asked)
    found = list(answer.rows)
    while answer.next_cursor:
        assert len(answer.rows) == asked["limit"]
        answer = await get_metric(
            warehouse=reader, cursors=CURSORS, **asked, cursor=answer.next_cursor
        )
        found += answer.rows
    return answer, found


def same(row: MetricRow, figure: Figure) -> bool:
    def near(one: float | None, other: float | None) -> bool:
        return one == other or (one is not None and other is not None and abs(one - other) < 0.011)

    return (
        near(row.value, figure.value)
        and near(row.previous, figure.previous)
        and row.basis == figure.basis
        and near(row.last_12_months, figure.size)
    )


@SOME
@given(question=questions())
async def test_all_pages_together_are_what_plain_python_counts(
    reader: Reader, rows: Sales, question: dict[str, Any]
) -> None:
    answer, found = await all_pages(reader, question)
    then = answer.compared_with
    before = Span(then.first, then.last) if then else None
    chosen = {k: v for k in ("region", "nation", "segment") if (v := question[k])}
    expected: dict[Key, Figure] = figures(
        rows, question["metric"], question["group_by"],
        Span(answer.period.first, answer.period.last), before, chosen, question["regions"],
    )  # fmt: skip
    assert len({(row.id, row.label) for row in found}) == len(found)
    assert {(row.id, row.label) for row in found} == expected.keys()
    for row in found:
        assert same(row, expected[row.id, row.label]), row
    rule = RULES[LAYER.metrics[question["metric"]].first]
    if question["group_by"] == "month":
        assert [row.label for row in found] == sorted(row.label for row in found)
    else:
        counted = [row for row in found if row.value is not None]
        assert found[: len(counted)] == counted
        assert all(rule(one) <= rule(other) + 0.011 for one, other in pairwise(counted))


async def test_a_list_that_began_before_the_data_was_renewed_begins_anew(reader: Reader) -> None:
    become(Caller("s", "ana", "Ana", frozenset(), frozenset({"region-all"}), "test"))
    asked: dict[str, Any] = {"metric": "revenue", "group_by": "nation", "limit": 5}
    answer = await get_metric(warehouse=reader, cursors=CURSORS, **asked)
    bound = [
        "revenue",
        "last_90_days",
        False,
        "nation",
        {"region": None, "nation": None, "segment": None},
        5,
        "all",
    ]
    place = CURSORS.open("s", "get_metric", bound, answer.next_cursor or "")
    assert place == [5, answer.as_of.isoformat()]
    old = CURSORS.seal("s", "get_metric", bound, [5, "2020-01-01"])
    with pytest.raises(Invalid, match="renewed"):
        await get_metric(warehouse=reader, cursors=CURSORS, **asked, cursor=old)


@pytest.mark.parametrize(
    ("person", "groups", "other"),
    [
        ("t", "region-all", {}),
        ("s", "region-europe", {}),
        ("s", "region-all", {"limit": 6}),
        ("s", "region-all", {"segment": "BUILDING"}),
        ("s", "region-all", {"metric": "orders"}),
    ],
)
async def test_a_cursor_is_for_one_person_with_the_same_rights_and_question(
    reader: Reader, person: str, groups: str, other: dict[str, Any]
) -> None:
    become(Caller("s", "ana", "Ana", frozenset(), frozenset({"region-all"}), "test"))
    asked: dict[str, Any] = {"metric": "revenue", "group_by": "nation", "limit": 5}
    cursor = (await get_metric(warehouse=reader, cursors=CURSORS, **asked)).next_cursor
    become(Caller(person, "ana", "Ana", frozenset(), frozenset({groups}), "test"))
    with pytest.raises(Invalid, match="start anew"):
        await get_metric(warehouse=reader, cursors=CURSORS, **{**asked, **other}, cursor=cursor)
