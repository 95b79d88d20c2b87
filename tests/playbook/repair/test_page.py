"""The page about descriptions shows the errors as they are, and the figures that were measured."""

import re

import pytest
from architecture.tree import ROOT, listed

from mcp_playbook.lint.sources import of_folder
from mcp_playbook.repair.__main__ import PAGE
from mcp_playbook.repair.report import IN_SHORT
from mcp_shared.validation import Arguments, invalid_arguments

TEXT = (ROOT / "playbook/tool-descriptions.md").read_text("utf-8")
MEASURED = (ROOT / PAGE).read_text("utf-8")
SENT = {"status": "Won ", "closing_from": "1 March 2026", "acount": "205"}


def test_the_errors_shown_are_what_the_tool_answers() -> None:
    (tool,) = (one for one in of_folder(listed()["crm"]).tools if one["name"] == "list_deals")
    problems = Arguments(tool["inputSchema"]).problems(SENT)
    assert invalid_arguments("crm_list_deals", problems)["content"][0]["text"] in TEXT


@pytest.mark.parametrize("shown", IN_SHORT)
def test_the_figures_shown_are_the_measured_ones(shown: str) -> None:
    (row,) = re.findall(rf"^\| {re.escape(shown)} \| ([\d.]+) \| ([\d.]+) \|$", TEXT, re.MULTILINE)
    measured = re.findall(rf"^\| {IN_SHORT[shown]} \| ([\d.]+) \|", MEASURED, re.MULTILINE)
    assert tuple(measured[:2]) == row
