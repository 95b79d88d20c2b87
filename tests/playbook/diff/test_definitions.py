"""What changed between two definitions, in the words a reviewer reads, with the weight it has."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playbook.lint.sample import GOOD, SIBLING, bent, said

from mcp_playbook.diff.change import Change, Weight
from mcp_playbook.diff.definitions import compare
from mcp_playbook.diff.marked import marked
from mcp_shared import meta

INPUT, OUTPUT = "inputSchema.properties", "outputSchema.properties"
BREAKING, REVIEW, COMPATIBLE = Weight.BREAKING, Weight.REVIEW, Weight.COMPATIBLE


def between(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    return compare({"tools": [old, SIBLING]}, {"tools": [new, SIBLING]})


def required(*names: str, side: str = "inputSchema") -> dict[str, Any]:
    return bent(f"{side}.required", list(names))


OPTIONAL = {"type": ["string", "null"], "maxLength": 9, "description": "Whose."}
NEEDED = bent(f"{INPUT}.owner", OPTIONAL)
NEEDED["inputSchema"]["required"] = ["account", "owner"]


@pytest.mark.parametrize(
    ("new", "weight", "told"),
    [
        (bent(f"{INPUT}.owner", OPTIONAL), COMPATIBLE, "owner: a new argument: string or null, Whose."),
        (NEEDED, BREAKING, "owner: a new argument, and required"),
        (required("account", "status"), BREAKING, "status: required now"),
        (required(), COMPATIBLE, "account: may be left out now"),
        (bent(f"{INPUT}.limit", None), BREAKING, "limit: the argument is gone"),
        (bent(f"{INPUT}.status.enum", ["open", "paid"]), BREAKING, "status: no longer takes 'overdue'"),
        (bent(f"{INPUT}.status.enum", ["open", "paid", "overdue", "void"]), COMPATIBLE, "status: takes 'void', too"),
        (bent(f"{INPUT}.status.enum", None), COMPATIBLE, "status: no longer limited to choices"),
        (bent(f"{INPUT}.limit.enum", [1, 2]), BREAKING, "limit: limited to 1, 2"),
        (bent(f"{INPUT}.limit.maximum", 20), BREAKING, "limit: maximum 50 → 20"),
        (bent(f"{INPUT}.limit.maximum", 90), COMPATIBLE, "limit: maximum 50 → 90"),
        (bent(f"{INPUT}.limit.minimum", 2), BREAKING, "limit: minimum 1 → 2"),
        (bent(f"{INPUT}.account.maxLength", None), COMPATIBLE, "account: maxLength 40 removed"),
        (bent(f"{INPUT}.account.minLength", 3), BREAKING, "account: minLength 3 added"),
        (bent(f"{INPUT}.account.pattern", "^A"), BREAKING, "account: pattern '^A' added"),
        (bent(f"{INPUT}.account.type", "integer"), BREAKING, "account: type string → integer"),
        (bent(f"{INPUT}.limit.type", "number"), COMPATIBLE, "limit: type integer → integer, number"),
        (bent("inputSchema.additionalProperties", True), COMPATIBLE, "unknown keys are taken now"),
        (bent(f"{INPUT}.limit.default", 5), REVIEW, "limit: left out, it meant 20 and means 5 now"),
        (bent(f"{INPUT}.account.x-mcp-header", "Account"), REVIEW, "travels in the header Mcp-Param-Account now"),
        (bent(f"{OUTPUT}.more", None), BREAKING, "more: the field is gone"),
        (required("invoices", side="outputSchema"), BREAKING, "more: may be missing now"),
        (bent(f"{OUTPUT}.total", {"type": "integer"}), COMPATIBLE, "total: a new field: integer"),
        (bent(f"{OUTPUT}.more.type", "string"), BREAKING, "more: type boolean → string"),
        (bent(f"{OUTPUT}.invoices.items.properties.number.type", "integer"), BREAKING, "invoices[].number: type string → integer"),
        (bent(f"{OUTPUT}.more.type", ["boolean", "null"]), BREAKING, "more: type boolean → boolean, null"),
        (bent(f"{OUTPUT}.invoices.maxItems", 9), COMPATIBLE, "invoices: maxItems 9 added"),
        (bent("outputSchema", None), BREAKING, "no longer has an output schema"),
        (bent("annotations.readOnlyHint", False), BREAKING, "readonlyhint true → false; hosts may ask"),
        (bent("annotations.openWorldHint", True), BREAKING, "openworldhint false → true"),
        (bent("annotations.destructiveHint", None), BREAKING, "destructivehint false → true"),
        (bent("title", "Bills"), REVIEW, "other title"),
        (bent("_meta", {"x": 1}), REVIEW, "another _meta"),
    ],
)  # fmt: skip
def test_a_change_is_told_with_what_it_means(
    new: dict[str, Any], weight: Weight, told: str
) -> None:
    found = between(GOOD, new)
    assert [one.weight for one in found if told in one.line()] == [weight], found
    assert all(one.subject == "tool list_invoices" for one in found)


def test_a_claim_to_be_safer_is_for_review() -> None:
    unsafe = bent("annotations.readOnlyHint", False)
    assert [one.line() for one in between(unsafe, GOOD)] == [
        "readonlyhint false → true; claims to be safer"
    ]


def test_words_are_shown_with_what_went_and_what_came() -> None:
    (words,) = between(GOOD, said("the oldest due date first", "the newest bill first"))
    assert (words.weight, words.what) == (REVIEW, "other words")
    assert words.marked == (
        "… to `limit` (20 unless given), the [-oldest due date-] {+newest bill+} first, each "
        "with number, amount and …"
    )
    (argument,) = between(GOOD, bent(f"{INPUT}.limit.description", "How many at most, 1 to 60."))
    assert (argument.where, argument.marked) == ("limit", "How many at most, 1 to [-50.-] {+60.+}")


def test_what_nobody_sees_is_spelt_out() -> None:
    (words,) = between(GOOD, said("of the ledger", "of the l\u200bedger\u202e"))
    assert "{+l<U+200B>edger<U+202E>+}" in words.marked
    assert marked("a", "\x1b[8m") == "[-a-] {+<U+001B>[8m+}"


@pytest.mark.parametrize(
    ("bend", "told"),
    [
        (lambda one: one["tools"].pop(0), "tool list_invoices removed"),
        (lambda one: one["prompts"].clear(), "prompt sum_up removed"),
        (lambda one: one["prompts"][0]["arguments"].pop(1), "prompt sum_up by: the argument is gone"),
        (lambda one: one["prompts"][0]["arguments"][1].update(required=True), "prompt sum_up by: required now"),
        (lambda one: one.update(resources=False), "server no longer offers resources"),
    ],
)  # fmt: skip
def test_what_is_gone_breaks(bend: Callable[[dict[str, Any]], Any], told: str) -> None:
    prompt = {"name": "sum_up", "arguments": [{"name": "of", "required": True}, {"name": "by"}]}
    old = {
        "instructions": "Sums.",
        "resources": True,
        "tools": [GOOD, SIBLING],
        "prompts": [prompt],
    }
    new = copy.deepcopy(old)
    bend(new)
    (change,) = compare(old, new)
    assert (change.weight, f"{change.subject} {change.line()}") == (BREAKING, told)
    back = compare(new, old)
    assert BREAKING not in {one.weight for one in back}


def renamed(until: str | None = None) -> dict[str, Any]:
    made = bent("name", "list_bills")
    if until:
        made["_meta"] = {meta.RENAMED: {"name": "list_invoices", "until": until}}
    return made


def test_a_rename_is_one_and_not_a_loss_and_a_find() -> None:
    (guessed,) = between(GOOD, renamed())
    assert (guessed.weight, guessed.line()) == (BREAKING, "renamed to list_bills")
    found = between(GOOD, renamed("2027-03-31"))
    assert found[0].line() == "renamed to list_bills; the old name answers until 2027-03-31"
    assert BREAKING not in {one.weight for one in found}
    narrower = renamed("2027-03-31")
    narrower["inputSchema"]["properties"]["limit"]["maximum"] = 5
    told = [one for one in between(GOOD, narrower) if one.weight is BREAKING]
    assert [(one.subject, one.where) for one in told] == [
        ("tool list_invoices → list_bills", "limit")
    ]


def test_an_old_name_that_ends_early_breaks() -> None:
    found = between(renamed("2027-03-31"), renamed("2026-12-01"))
    assert BREAKING in {one.weight for one in found}
    other = {**copy.deepcopy(SIBLING), "name": "x", "description": "Weigh a parcel in grams."}
    assert [one.line() for one in between(GOOD, other)] == ["removed", "added: Get an invoice"]


def test_references_and_choices_are_compared_by_what_they_lead_to() -> None:
    old = copy.deepcopy(GOOD)
    old["inputSchema"]["properties"]["limit"] = {
        "anyOf": [GOOD["inputSchema"]["properties"]["limit"], {"type": "null"}]
    }
    new = copy.deepcopy(old)
    new["inputSchema"]["$defs"] = {"Limit": GOOD["inputSchema"]["properties"]["limit"]}
    new["inputSchema"]["properties"]["limit"]["anyOf"][0] = {"$ref": "#/$defs/Limit"}
    assert between(old, new) == []
    new["inputSchema"]["$defs"]["Limit"] = {**new["inputSchema"]["$defs"]["Limit"], "maximum": 9}
    assert [one.line() for one in between(old, new)] == ["limit: maximum 50 → 9"]
    new["inputSchema"]["properties"]["limit"]["anyOf"].pop()
    assert "limit: null is refused now" in [one.line() for one in between(old, new)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "anyOf", "items", "description", "x", "default"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(JSON)
@settings(deadline=None, max_examples=50)
def test_every_difference_in_an_argument_is_told(child: Any) -> None:
    """Nothing that a lock file's hash would notice passes the reviewer by in silence."""
    new = bent(f"{INPUT}.limit", child if child is not None else {})
    for kind in ("anyOf", "items", "type"):
        if isinstance(child, dict) and not isinstance(child.get(kind), str | None):
            return
    assert (between(GOOD, new) != []) == (new != GOOD)
