"""The page about descriptions says what the lint does: its weights, bounds, and each bad and good line."""

import copy
import functools
import re
from collections.abc import Callable
from typing import Any

import pytest
from architecture.tree import ROOT, listed

from mcp_playbook.lint import lint
from mcp_playbook.lint.finding import RULES, WEIGHTS
from mcp_playbook.lint.rules.purpose import MIN_WORDS as MIN_BEYOND_NAME
from mcp_playbook.lint.similarity import TWIN_SIMILARITY
from mcp_playbook.lint.sources import of_folder
from mcp_shared.contract import MAX_PURPOSE_CHARACTERS, MAX_WORDS, MIN_WORDS, first_sentence

Tool = dict[str, Any]
PAGE = (ROOT / "playbook/tool-descriptions.md").read_text("utf-8")
ROWS = {row[0].split()[0]: row for row in (
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines() if re.match(r"\| D\d+ ", line)
)}  # fmt: skip


@functools.cache
def crm() -> tuple[Tool, ...]:
    return tuple(dict(tool) for tool in of_folder(listed()["crm"]).tools)


def tool(name: str) -> Tool:
    every = [one for folder in listed().values() for one in of_folder(folder).tools]
    return copy.deepcopy(next(dict(one) for one in every if one["name"] == name))


def with_first_sentence(made: Tool, line: str) -> Tool:
    old = made["description"]
    made["description"] = old.replace(first_sentence(old), line)
    return made


def with_part(made: Tool, line: str) -> Tool:
    part = line.partition(":")[0]
    made["description"] = re.sub(
        rf"^{part}:.*?(?=^[A-Z][a-z ]+:|\Z)",
        f"{line}\n",
        made["description"],
        flags=re.DOTALL | re.MULTILINE,
    )
    return made


def with_limit(made: Tool, line: str) -> Tool:
    made["inputSchema"]["properties"]["limit"]["description"] = line
    return made


def beside(made: Tool, line: str) -> Tool:
    """A second tool, of another name, that begins with this line."""
    made["name"] = "look_up_orders" if "orders" in line else "list_opportunity_deals"
    return with_first_sentence(made, line)


PLACES: dict[str, tuple[str, Callable[[Tool, str], Tool]]] = {
    "D1": ("list_deals", with_first_sentence),
    "D2": ("list_deals", with_limit),
    "D3": ("find_contacts", with_part),
    "D4": ("find_contacts", with_part),
    "D5": ("find_contacts", with_part),
    "D6": ("update_deal_stage", with_first_sentence),
    "D8": ("list_deals", beside),
    "D9": ("get_account", lambda made, line: with_first_sentence(made, f"{line} {first_sentence(made['description'])}")),
}  # fmt: skip


def found(rule: str, line: str) -> bool:
    name, put = PLACES[rule]
    changed = put(tool(name), line)
    if rule == "D6":
        changed["annotations"]["destructiveHint"] = False
    siblings = [one for one in crm() if one["name"] != changed["name"]]
    warehouse = of_folder(listed()["warehouse"]).tools
    report = lint([changed, *siblings], name="crm", neighbours={"warehouse": warehouse})
    return any(one.rule == rule for one in report.by_tool[changed["name"]].findings)


def line(rule: str, kind: str) -> str:
    (found,) = re.findall(rf"^{rule} {kind} +(.+?)(?:  .*)?$", PAGE, re.MULTILINE)
    return str(found)


def test_every_rule_has_its_row_with_its_weight() -> None:
    assert list(ROWS) == list(RULES)
    for rule, row in ROWS.items():
        assert row[0] == f"{rule} {RULES[rule]}"
        assert float(row[1]) == WEIGHTS[rule]


@pytest.mark.parametrize("rule", sorted(PLACES))
def test_the_bad_line_is_found_and_the_good_one_is_not(rule: str) -> None:
    assert found(rule, line(rule, "bad"))
    assert not found(rule, line(rule, "good"))


def test_the_page_has_the_bounds_the_rules_have() -> None:
    assert f"{MIN_WORDS} to {MAX_WORDS} words" in ROWS["D7"][2]
    assert f"at most {MAX_PURPOSE_CHARACTERS} characters" in ROWS["D7"][2]
    assert f"{MIN_BEYOND_NAME} words" in ROWS["D1"][2]
    assert f"at most {TWIN_SIMILARITY}" in ROWS["D8"][2]
