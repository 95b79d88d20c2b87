"""prompts.toml: what a file must hold, and what ours hold."""

import re
from pathlib import Path

import pytest
from architecture.tree import listed
from playbook.shop import ASKED, prompts

from mcp_playbook.lint.definition import Definition
from mcp_playbook.lint.sources import of_folder
from mcp_playbook.selection.prompts import NONE, Prompt, PromptsError, load

OURS = ["warehouse", "crm", "docs"]
TOOLS = ["list_invoices", "get_invoice"]


def ours() -> list[Prompt]:
    found: list[Prompt] = []
    for name in OURS:
        folder = listed()[name]
        found += load(folder, [str(tool["name"]) for tool in of_folder(folder).tools])
    return found


def test_our_prompts_are_many_and_often_near_misses() -> None:
    answerable = [one for one in ours() if one.expects != NONE]
    assert len(answerable) >= 60
    assert sum(one.near_miss for one in answerable) >= 0.3 * len(answerable)
    assert sum(one.expects == NONE for one in ours()) >= 0.1 * len(ours())


def test_every_tool_of_ours_is_asked_for_at_least_five_times() -> None:
    expected = [one.expects for one in ours()]
    for name in OURS:
        for tool in of_folder(listed()[name]).tools:
            assert expected.count(str(tool["name"])) >= 5, tool["name"]


def test_no_prompt_of_ours_names_a_tool_or_repeats_a_phrase_of_a_description() -> None:
    """Five words in a row are a copy; figures over copies say nothing."""
    texts = []
    for name in OURS:
        for tool in map(Definition, of_folder(listed()[name]).tools):
            texts.append(" ".join(re.findall(r"\w+", tool.text.lower())))
            assert not [one.ask for one in ours() if tool.name in one.ask]
    for prompt in ours():
        words = re.findall(r"\w+", prompt.ask.lower())
        for start in range(len(words) - 4):
            run = " ".join(words[start : start + 5])
            assert not any(run in text for text in texts), run


def test_a_server_without_the_file_has_no_prompts(tmp_path: Path) -> None:
    assert load(tmp_path, TOOLS) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "prompt"),
        ("prompt = 3", "prompt"),
        ("[[prompt", "prompts.toml"),
        (
            prompts([*ASKED, ("Another thing?", "get_bill", False)]),
            "expects get_bill.* remove these prompts, or name another .* make tools-lock first",
        ),
        (prompts([*ASKED, ASKED[0]]), "asks twice"),
        (prompts(ASKED) + "tool = 'x'\n", "Extra inputs"),
        (prompts(ASKED).replace("near_miss = true", ""), "near_miss"),
        (prompts([("", "none", False)]), "ask"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "prompts.toml").write_text(text, "utf-8")
    with pytest.raises(PromptsError, match=told):
        load(tmp_path, TOOLS)
