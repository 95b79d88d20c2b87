"""Argument errors: all at once, with a path and a way out, and never the value that was sent."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_shared import meta
from mcp_shared.validation import MAX_PROBLEMS, Arguments, invalid_arguments

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["text", "when"],
    "$defs": {
        "Stage": {"type": "string", "enum": ["open", "won", "lost"]},
        "Range": {
            "type": "object",
            "additionalProperties": False,
            "required": ["low"],
            "properties": {"low": {"type": "integer", "minimum": 0, "maximum": 9}},
        },
    },
    "properties": {
        "text": {"type": "string", "minLength": 2, "maxLength": 5},
        "when": {
            "type": "string",
            "format": "date",
            "maxLength": 10,
            "pattern": r"^\d{4}-\d\d-\d\d$",
        },
        "limit": {"type": "integer", "minimum": 1, "maximum": 50},
        "stage": {"$ref": "#/$defs/Stage"},
        "range": {"$ref": "#/$defs/Range"},
        "tags": {"type": "array", "maxItems": 2, "items": {"type": "string", "maxLength": 3}},
        "maybe": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
        "either": {
            "anyOf": [
                {"type": "string", "maxLength": 3},
                {"type": "integer", "minimum": 0, "maximum": 9},
            ]
        },
        "segment": {"anyOf": [{"enum": ["BUILDING", "HOUSE HOLD"]}, {"type": "null"}]},
        "number": {
            "type": "string",
            "maxLength": 9,
            "pattern": "^[0-9]+$",
            "description": "The deal's record id.",
        },
    },
}
CHECK = Arguments(SCHEMA)
GOOD = {"text": "abc", "when": "2026-01-31"}


def lines(**arguments: Any) -> list[str]:
    return [problem.line() for problem in CHECK.problems({**GOOD, **arguments})]


def test_good_arguments_have_no_problems() -> None:
    full = {**GOOD, "limit": 1, "stage": "won", "range": {"low": 9}, "tags": ["a"], "maybe": None}
    for arguments in (GOOD, full):
        assert CHECK.accepts(arguments)
        assert CHECK.problems(arguments) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"text": "x"}, "- $.text: too short; expected string of 2 to 5 characters."),
        ({"text": "toolong"}, "- $.text: too long; expected string of 2 to 5 characters."),
        ({"text": 5}, "- $.text: wrong type, a number was given; expected string of 2 to 5 characters."),
        ({"limit": 0}, "- $.limit: too small; expected integer from 1 to 50."),
        ({"limit": 51}, "- $.limit: too large; expected integer from 1 to 50."),
        ({"limit": "5"}, "- $.limit: wrong type, a string was given; expected integer from 1 to 50."),
        ({"limit": 1.5}, "- $.limit: wrong type, a number with a fraction was given; expected integer from 1 to 50."),
        ({"when": "soon"}, "- $.when: wrong form; expected string, a day as YYYY-MM-DD, such as 2026-01-31."),
        ({"stage": "wno"}, "- $.stage: not one of the choices; expected one choice. Allowed: open, won, lost. Did you mean 'won'?"),
        ({"stage": "WON"}, "- $.stage: not one of the choices; expected one choice. Allowed: open, won, lost. Did you mean 'won'?"),
        ({"stage": "zzz"}, "- $.stage: not one of the choices; expected one choice. Allowed: open, won, lost."),
        ({"range": {"low": 10}}, "- $.range.low: too large; expected integer from 0 to 9."),
        ({"range": {}}, "- $.range.low: missing; expected integer from 0 to 9."),
        ({"range": {"low": 1, "hihg": 2}}, "- $.range.hihg: unknown argument; expected only the arguments of the schema. Allowed: low."),
        ({"tags": ["a", "b", "c"]}, "- $.tags: too many items; expected array of at most 2 items."),
        ({"tags": ["abcd"]}, "- $.tags.0: too long; expected string of 0 to 3 characters."),
        ({"maybe": 5}, "- $.maybe: wrong type, a number was given; expected string of 0 to 3 characters."),
        ({"maybe": "toolong"}, "- $.maybe: too long; expected string of 0 to 3 characters."),
        ({"either": True}, "- $.either: fits none of the accepted forms; expected string of 0 to 3 characters or integer from 0 to 9."),
        ({"segment": "house-hold"}, "- $.segment: not one of the choices; expected one choice. Allowed: BUILDING, HOUSE HOLD. Did you mean 'HOUSE HOLD'?"),
        ({"segment": "segment: building"}, "- $.segment: not one of the choices; expected one choice. Allowed: BUILDING, HOUSE HOLD. Did you mean 'BUILDING'?"),
        ({"number": "no. 5"}, "- $.number: wrong form; expected string of 0 to 9 characters, digits alone. It is: The deal's record id."),
    ],
)  # fmt: skip
def test_a_problem_says_where_what_and_what_instead(arguments: dict[str, Any], line: str) -> None:
    assert lines(**arguments) == [line]


def test_a_missing_argument_names_its_form_and_a_misspelt_one_its_likely_meaning() -> None:
    found = [problem.line() for problem in CHECK.problems({"txt": "abc", "when": "2026-01-31"})]
    assert any(line.startswith("- $.text: missing; expected string of 2 to 5") for line in found)
    assert any(
        "$.txt: unknown argument" in line and "Did you mean 'text'?" in line for line in found
    )


PEOPLE = Arguments(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["account"],
        "properties": {
            "account": {
                "type": "string",
                "maxLength": 9,
                "description": "The customer's number or domain.",
            },
            "closing_from": {"type": "string", "maxLength": 10, "description": "A day."},
            "owner": {"anyOf": [{"type": "string", "maxLength": 9, "description": "A colleague."}]},
            "limit": {"type": "integer", "minimum": 1, "maximum": 5, "description": "How many."},
            "region": {"enum": ["EUROPE", "ASIA"], "description": "Where."},
        },
    }
)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"Account": "7"}, "account"),
        ({"acount": "7"}, "account"),
        ({"account_number": "7"}, "account"),
        ({"customer": "7"}, "account"),
        ({"account": "7", "closingFrom": "x"}, "closing_from"),
        ({"account": "7", "colleague": "x"}, "owner"),
        ({"whatever": "7"}, None),
        ({"whatever": 7}, None),
        ({"account": "7", "whatever": 7}, None),
        ({"account": "7", "customer": "7"}, None),
        ({"this": "7", "that": "8"}, None),
        ({"account": "7", "limits": True}, None),
        ({"account": "7", "limits": "3"}, "limit"),
        ({"account": "7", "Limit": None}, "limit"),
        ({"account": "7", "reason": "asked"}, None),
        ({"account": "7", "regoin": "asia"}, "region"),
    ],
)
def test_an_unknown_argument_is_told_apart_by_its_letters_and_by_words(
    given: dict[str, Any], meant: str | None
) -> None:
    """No guess where two are as likely: a wrong one is accepted and does something else."""
    found = [one for one in PEOPLE.problems(given) if one.problem == "unknown argument"]
    assert [one.did_you_mean for one in found] == [meant] * len(found)
    assert found


def test_a_value_that_is_wrong_twice_over_is_told_once() -> None:
    assert lines(when="on the last of January") == lines(when="soon")
    assert [one.path for one in PEOPLE.problems({"account": "much too long", "x": 1, "y": 2})] == [
        "$.account",
        "$.x",
        "$.y",
    ]


def test_what_is_missing_says_what_it_is() -> None:
    (missing,) = PEOPLE.problems({})
    assert missing.line() == (
        "- $.account: missing; expected string of 0 to 9 characters. It is: The customer's number or domain."
    )


def test_every_problem_is_in_one_answer() -> None:
    found = CHECK.problems({"text": 1, "limit": 99, "stage": "x", "tags": 5, "zz": 1})
    assert {problem.path for problem in found} == {
        "$.text",
        "$.limit",
        "$.stage",
        "$.tags",
        "$.zz",
        "$.when",
    }
    result = invalid_arguments("one_find", found)
    assert result["isError"] is True
    assert result["content"][0]["text"].startswith(
        "The arguments of one_find have 6 problems; nothing was done."
    )
    assert len(result["_meta"][meta.PROBLEMS]) == 6
    json.dumps(result)


def test_a_thousand_problems_are_the_first_twenty() -> None:
    found = CHECK.problems({f"x{count}": 1 for count in range(1000)})
    assert len(found) == MAX_PROBLEMS
    assert all(len(problem.path) < 100 for problem in CHECK.problems({"x" * 5000: 1}))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), VALUES))
def test_what_is_not_accepted_has_a_problem_and_the_other_way_round(
    arguments: dict[str, Any],
) -> None:
    assert CHECK.accepts(arguments) == (not CHECK.problems(arguments))
    json.dumps(invalid_arguments("t", CHECK.problems(arguments)), allow_nan=False)


@given(st.text(min_size=8, alphabet="QXZJ\u00e9\u4e2d"))
def test_a_refused_value_is_never_repeated(secret: str) -> None:
    bent: list[dict[str, Any]] = [
        {"text": secret}, {"limit": secret}, {"stage": secret}, {"range": secret},
        {"tags": [secret]}, {"maybe": secret}, {"when": secret}, {"range": {"low": secret}},
    ]  # fmt: skip
    for one in bent:
        result = json.dumps(
            invalid_arguments("t", CHECK.problems({**GOOD, **one})), ensure_ascii=False
        )
        assert secret not in result


@pytest.mark.parametrize("arguments", [None, [], "x", 5, True])
def test_what_is_no_object_is_a_problem_too(arguments: Any) -> None:
    assert not CHECK.accepts(arguments)
    assert CHECK.problems(arguments)


def test_numbers_beyond_64_bits_are_compared_exactly() -> None:
    assert lines(limit=2**70) == ["- $.limit: too large; expected integer from 1 to 50."]
    assert not CHECK.accepts({**GOOD, "limit": -(2**70)})


@pytest.mark.parametrize("size", [1, 1_000_000])
def test_a_megabyte_in_the_wrong_place_costs_little(size: int) -> None:
    long = "aB " * (size // 3 + 1)
    started = time.thread_time()
    for bent in ({long: 1}, {"stage": long}, {"stage": [long]}, {"other": [1] * (size // 4)}):
        assert CHECK.problems({**GOOD, **bent})
    assert time.thread_time() - started < 1


def test_eighty_thousand_unknown_arguments_cost_no_more_than_twenty() -> None:
    started = time.thread_time()
    found = CHECK.problems(GOOD | {f"k{n}x": 1 for n in range(80_000)})
    assert len(found) == MAX_PROBLEMS
    assert time.thread_time() - started < 2
