"""Every operator against a plain Python reading of the documentation."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox.crm.account import V, opened, prepare, searched

NAMES = ("alpha", "Alpha beta", "BETA-gamma", "gamma", "delta_42", "Ångström 42", "")
AMOUNTS = ("-5", "0", "2", "10", "10.0", "99.5", "")
DAYS = ("2025-01-01T00:00:00.000Z", "2025-06-01T12:00:00.000Z", "2026-01-01T00:00:00.000Z", "")
TYPES = ("newbusiness", "existingbusiness", "")
DEALS = [
    {"dealname": NAMES[n % 7], "amount": AMOUNTS[(n * 3) % 7], "closedate": DAYS[n % 4],
     "dealtype": TYPES[n % 3], "description": str(n)}
    for n in range(28)
]  # fmt: skip

VALUES: Mapping[str, st.SearchStrategy[str]] = {
    "dealname": st.sampled_from([*filter(None, NAMES), "ALPHA", "nobody"]),
    "amount": st.sampled_from([*filter(None, AMOUNTS), "3", "-5.00"]),
    "closedate": st.sampled_from(
        [*filter(None, DAYS), "1735689600000", "2025-06-01T12:00:00.001Z"]
    ),
    "dealtype": st.sampled_from([*filter(None, TYPES), "NEWBUSINESS"]),
}
TOKENS = st.sampled_from(
    ["alpha", "ALPHA beta", "be*", "*mma", "42", "ångström", "a*a", "*", "!", "-"]
)
FOR_ALL = ["EQ", "NEQ", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"]
ORDERED = ["LT", "LTE", "GT", "GTE", "BETWEEN"]
TOKENS_OF = ["CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"]


def operators_of(name: str) -> list[str]:
    return FOR_ALL + (ORDERED if name in {"amount", "closedate"} else TOKENS_OF)


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(VALUES)))
    return draw(filters_of(name, draw(st.sampled_from(operators_of(name)))))


@st.composite
def filters_of(draw: st.DrawFn, name: str, operator: str) -> dict[str, Any]:
    one: dict[str, Any] = {"propertyName": name, "operator": operator}
    if operator in {"IN", "NOT_IN"}:
        return one | {"values": draw(st.lists(VALUES[name], min_size=1, max_size=3))}
    if operator.endswith("_TOKEN"):
        return one | {"value": draw(TOKENS)}
    if operator.endswith("_PROPERTY"):
        return one
    one["value"] = draw(VALUES[name])
    return one | ({"highValue": draw(VALUES[name])} if operator == "BETWEEN" else {})


def key(name: str, value: str) -> Any:
    if name == "amount":
        return float(value)
    if name == "closedate":
        return "2025-01-01T00:00:00.000Z" if value == "1735689600000" else value
    return value


def words_of(text: str) -> list[str]:
    return [word for word in re.split(r"[\s!-/:-@\[-`{-~]+", text.lower()) if word]


def contains(text: str, wanted: str) -> bool:
    tokens = [part for part in re.split(r"[\s!-)+-/:-@\[-`{-~]+", wanted.lower()) if part]
    return bool(tokens) and all(
        any(re.fullmatch(token.replace("*", ".*"), word) for word in words_of(text))
        for token in tokens
    )


def matches(deal: Mapping[str, str], one: Mapping[str, Any]) -> bool:
    name, operator = str(one["propertyName"]), str(one["operator"])
    kept = deal[name]
    if not kept or operator.endswith("HAS_PROPERTY"):
        return operator == ("HAS_PROPERTY" if kept else "NOT_HAS_PROPERTY")
    if operator.endswith("CONTAINS_TOKEN"):
        return contains(kept, one["value"]) is (operator == "CONTAINS_TOKEN")
    folded = name == "dealname" and operator in {"EQ", "NEQ", "IN", "NOT_IN"}
    mine = key(name, kept.lower() if folded else kept)
    if operator in {"IN", "NOT_IN"}:  # the values are not folded: the vendor wants lower case
        found = mine in [key(name, v) for v in one["values"]]
        return bool(found == (operator == "IN"))
    value = key(name, one["value"].lower() if folded else one["value"])
    high = key(name, one["highValue"]) if operator == "BETWEEN" else None
    truths = {
        "EQ": lambda: mine == value,
        "NEQ": lambda: mine != value,
        "LT": lambda: mine < value,
        "LTE": lambda: mine <= value,
        "GT": lambda: mine > value,
        "GTE": lambda: mine >= value,
        "BETWEEN": lambda: value <= mine <= high,
    }
    return bool(truths[operator]())


@pytest_asyncio.fixture
async def deals(database: str) -> AsyncIterator[httpx2.AsyncClient]:
    await prepare(database, ())
    async with opened(database) as crm:
        inputs = [{"properties": deal} for deal in DEALS]
        answer = await crm.post(f"/crm/objects/{V}/deals/batch/create", json={"inputs": inputs})
        assert answer.status_code == 201, answer.text
        yield crm


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(groups=st.lists(st.lists(filters(), min_size=1, max_size=3), min_size=1, max_size=3))
async def test_search_agrees_with_the_documentation(
    deals: httpx2.AsyncClient, groups: list[list[dict[str, Any]]]
) -> None:
    found = await searched(
        deals,
        "deals",
        filterGroups=[{"filters": group} for group in groups],
        properties=["description"],
        limit=200,
    )
    expected = {
        deal["description"]
        for deal in DEALS
        if any(all(matches(deal, one) for one in group) for group in groups)
    }
    assert {one["properties"]["description"] for one in found["results"]} == expected
    assert found["total"] == len(expected)


@pytest.mark.parametrize("name", sorted(VALUES))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
async def test_every_operator_alone_agrees_with_the_rows(
    deals: httpx2.AsyncClient, name: str, data: st.DataObject
) -> None:
    """Each operator that the property has, whatever chance picks in the test above."""
    for operator in operators_of(name):
        one = data.draw(filters_of(name, operator))
        wanted = {"filterGroups": [{"filters": [one]}], "properties": ["description"]}
        found = await searched(deals, "deals", **wanted, limit=200)
        expected = {deal["description"] for deal in DEALS if matches(deal, one)}
        assert {each["properties"]["description"] for each in found["results"]} == expected, one


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(
        st.sampled_from([*filter(None, NAMES), "al", "BET", "42", "-", "delta_", "Ång"]), max_size=3
    )
)
async def test_the_words_of_a_query_begin_words_of_the_rows(
    deals: httpx2.AsyncClient, words: list[str]
) -> None:
    query = " ".join(words)
    found = await searched(
        deals, "deals", query=query, properties=["description"], limit=200, filterGroups=[]
    )
    terms = words_of(query)
    expected = {
        deal["description"]
        for deal in DEALS
        if (not query or terms)
        and all(
            any(
                word.startswith(term)
                for word in words_of(f"{deal['dealname']} {deal['description']}")
            )
            for term in terms
        )
    }
    assert {one["properties"]["description"] for one in found["results"]} == expected
