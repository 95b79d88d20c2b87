"""Other people's servers: prose instead of parts, docstrings, and definitions meant to trip a reader."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playbook.lint.sample import GOOD, SIBLING, said

from mcp_playbook.lint import lint

ONE_LINER = {
    "name": "list_invoices",
    "description": "List invoices.",
    "inputSchema": {"type": "object", "properties": {"account": {"type": "string"}}},
}
PROSE = {
    "name": "list_invoices",
    "description": (
        "Lists invoices of an account with their amount and due date, newest first. Use this when the person asks "
        "what is owed. For one invoice use get_invoice instead. Returns the number, the amount and the status of up "
        "to 50 invoices; an empty list if none exist. Raises an error if the account is unknown."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {"account": {"type": "string", "description": "The account's number."}},
    },
    "annotations": {"title": "List invoices", "readOnlyHint": True},
}
DOCSTRING = {
    "name": "list_invoices",
    "description": (
        "List invoices of an account with amount and due date.\n\n"
        "Args:\n    account (str): The account's number.\n\nReturns:\n    The invoices, newest first.\n"
    ),
    "inputSchema": {"type": "object", "properties": {"account": {"type": "string"}}},
}


def rules(tool: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for one in lint([tool, SIBLING], name="billing").by_tool[tool["name"]].findings:
        found.setdefault(one.rule, []).append(one.what)
    return found


def score(tool: dict[str, Any]) -> float:
    return lint([tool, SIBLING], name="billing").by_tool[tool["name"]].score


def test_prose_counts_for_more_than_nothing_and_less_than_parts() -> None:
    assert score(ONE_LINER) < score(DOCSTRING) < score(PROSE) < score(GOOD)
    assert score(ONE_LINER) < 30
    assert score(PROSE) > 60


def test_parts_are_found_in_prose_and_asked_for_under_their_own_heading() -> None:
    found = rules(PROSE)
    assert "D1" not in found
    assert "says only in passing what comes back" in found["D3"]
    assert found["D4"] == ["says only in passing how it fails"]
    assert not any("sends nobody" in what for what in found["D5"])
    assert not any("title" in what for what in found["D6"]), "older servers keep it in annotations"


def test_an_argument_described_in_a_docstring_is_half_described() -> None:
    assert any("in the text only" in what for what in rules(DOCSTRING)["D2"])
    assert any("does not describe account" in what for what in rules(ONE_LINER)["D2"])


def test_a_purpose_that_only_repeats_the_name_is_not_one() -> None:
    assert any("0 words beyond" in what for what in rules(ONE_LINER)["D1"])


@pytest.mark.parametrize(
    "wire",
    [
        {"name": "a"},
        {"name": "a", "description": None, "inputSchema": None, "annotations": None},
        {"name": "a", "inputSchema": {"type": "object", "properties": ["x"], "required": 3}},
        {
            "name": "a",
            "inputSchema": {"properties": {"x": True, "y": {"type": ["string", "null"]}}},
        },
        {
            "name": "a",
            "inputSchema": {"properties": {"x": {"enum": 5, "maximum": "9", "anyOf": 1}}},
        },
        {"name": "a", "inputSchema": {"properties": {"x": {"$ref": "#/properties/x"}}}},
        {"name": "a", "inputSchema": {"$ref": "https://example.com/schema"}},
        {"name": "a", "outputSchema": {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}},
    ],
)
def test_a_definition_of_any_shape_is_judged(wire: dict[str, Any]) -> None:
    assert 0 <= lint([wire, GOOD], name="odd").by_tool["a"].score < 60


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["properties", "type", "anyOf", "$ref", "enum", "required", "items", "x", "default",
                         "description", "maximum", "pattern", "$defs"]),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(JSON, JSON, JSON, JSON)
@settings(deadline=None, max_examples=150)
def test_no_definition_breaks_the_lint(one: Any, two: Any, three: Any, four: Any) -> None:
    wire = {
        "name": "a",
        "description": one,
        "inputSchema": two,
        "outputSchema": three,
        "annotations": four,
    }
    assert 0 <= lint([wire], name="odd").score <= 100


def test_what_is_nested_beyond_reading_is_unsafe() -> None:
    nested: dict[str, Any] = {"description": "end"}
    for _ in range(300):
        nested = {"items": nested}
    tool = {**GOOD, "outputSchema": {"type": "object", "properties": {"invoices": nested}}}
    report = lint([tool, SIBLING], name="billing")
    assert any("nests deeper" in one.what for one in report.of({"D9"}))
    assert report.by_tool["list_invoices"].score == 0


def test_a_very_long_description_is_read_in_good_time() -> None:
    """Patterns over others' text must not take time beyond what grows with its length."""
    for filler in ("1" * 60_000, "a_" * 30_000, "ignore " * 8_000, "- " * 30_000, "<" * 60_000):
        assert lint([said("Fails:", f"{filler}\nFails:"), SIBLING], name="billing").of({"D7"})
