"""What a tool's definition must have, and the hash that notices any other word."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_shared.contract import definition_hash, hidden, parse, shouted, unbounded, violations

WORDS = " ".join(["word"] * 8)
TOOL: dict[str, Any] = {
    "name": "find_it",
    "title": "Find it",
    "description": (
        f"Find a thing by its name.\n\nUse when: {WORDS} {WORDS}.\nNot for: reading it whole (read_it) {WORDS}.\n"
        f"Returns: {WORDS} {WORDS}.\nFails: NotFound {WORDS} {WORDS}."
    ),
    "inputSchema": {
        "type": "object",
        "additionalProperties": False,
        "properties": {"text": {"type": "string", "maxLength": 9, "description": "What to look for."}},
    },
    "outputSchema": {"type": "object"},
    "annotations": {
        "readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False,
    },
}  # fmt: skip
SIBLINGS = ["find_it", "read_it"]


def test_a_good_definition_violates_nothing() -> None:
    assert violations(TOOL, SIBLINGS) == []
    assert parse(TOOL["description"]).purpose == "Find a thing by its name."


def bent(path: str, value: Any) -> dict[str, Any]:
    made: dict[str, Any] = copy.deepcopy(TOOL)
    *way, last = path.split(".")
    place = made
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return made


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("description", "Find it.", "has no 'Use when:'"),
        ("description", TOOL["description"].replace("Fails:", "Errors:"), "has no 'Fails:'"),
        ("description", TOOL["description"].replace("read_it", "that"), "names no other tool"),
        ("description", TOOL["description"].replace("Find a", "ALWAYS find a"), "shouts 'ALWAYS'"),
        ("description", TOOL["description"].replace("Find a", "you must find a"), "shouts 'you must'"),
        ("description", TOOL["description"].replace("name", "na\u200bme", 1), "invisible characters"),
        ("description", TOOL["description"].replace("name", "n\U000e0061me", 1), "invisible characters"),
        ("description", TOOL["description"].replace("name", "x " * 60, 1), "first sentence has"),
        ("description", TOOL["description"] + " word" * 200, "not 60 to 160"),
        ("title", None, "has no title"),
        ("annotations", None, "has no readOnlyHint"),
        ("annotations.openWorldHint", None, "has no openWorldHint"),
        ("outputSchema", None, "has no output schema"),
        ("inputSchema.properties.text.maxLength", None, "a string without maxLength"),
        ("inputSchema.properties.text.description", None, "argument text has no description"),
        ("inputSchema.additionalProperties", True, "an object that takes unknown keys"),
        ("annotations.readOnlyHint", False, "takes no idempotency_key"),
    ],
)  # fmt: skip
def test_every_lack_is_named(path: str, value: Any, told: str) -> None:
    assert any(told in one for one in violations(bent(path, value), SIBLINGS))


@pytest.mark.parametrize(
    ("schema", "count"),
    [
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 0}, 1),
        ({"type": "number", "minimum": 0, "maximum": 1}, 0),
        ({"type": "array", "maxItems": 1, "items": {"type": "string"}}, 1),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1),
        ({"enum": ["a"]}, 0),
        ({"type": "string", "const": "x"}, 0),
        ({"$defs": {"X": {"type": "string"}}}, 1),
        ({"type": "object"}, 1),
        ({"type": ["string", "null"]}, 1),
        ({"type": ["integer", "string"], "maxLength": 3}, 1),
        (True, 0),
        ({"type": "array", "maxItems": 1, "items": True}, 0),
        (
            {
                "type": "object",
                "additionalProperties": False,
                "properties": {"a": {"type": "array"}},
            },
            1,
        ),
    ],
)
def test_everything_a_caller_may_send_has_a_bound(schema: Any, count: int) -> None:
    assert len(list(unbounded(schema))) == count


@pytest.mark.parametrize(
    "character",
    ["\u200b", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u2028", "\u034f", "\U000e0041", "\x07", "\ue000", "\ufe0f"],
)  # fmt: skip
def test_a_character_that_draws_nothing_is_named_by_its_code_point(character: str) -> None:
    assert hidden(f"na{character}me") == [f"U+{ord(character):04X}"]


def test_lines_tabs_emoji_and_foreign_letters_are_not_hidden() -> None:
    assert (
        hidden(
            "one\n\ttwo\r\n \u2764\ufe0f \U0001f468\u200d\U0001f469 1\ufe0f\u20e3 \u2139\ufe0f naïve Москва 東京"
        )
        == []
    )


def test_acronyms_are_not_shouted() -> None:
    assert shouted("A SELECT answers JSON over HTTPS, CSV too.") == []
    assert shouted("NEVER do; you must not.") == ["NEVER", "you must"]


@given(st.sampled_from(["name", "title", "description"]), st.text(min_size=1))
def test_u02_any_other_word_is_another_hash(key: str, addition: str) -> None:
    try:
        addition.encode()
    except UnicodeEncodeError:
        return
    assert definition_hash({**TOOL, key: TOOL[key] + addition}) != definition_hash(TOOL)


def test_order_and_absence_make_no_difference_to_the_hash() -> None:
    turned = dict(reversed(list(TOOL.items())))
    assert definition_hash(turned) == definition_hash(TOOL)
    assert definition_hash({**TOOL, "icons": None, "hash": "x"}) == definition_hash(TOOL)
