"""Runbooks and drills belong together, and what a page says can be typed and was seen."""

import re
from pathlib import Path

import pytest

from mcp_playbook.drill import DRILLS, Drill

ROOT = Path(__file__).parents[3]
RUNBOOKS = ROOT / "playbook" / "runbooks"
HEADINGS = [
    "What you see", "What it means", "The first five minutes", "Recovery",
    "What is lost, and what is not", "It is over when", "The drill",
    "What the drill does not prove",
]  # fmt: skip


def page(drill: Drill) -> str:
    return (RUNBOOKS / drill.page).read_text("utf-8")


def front(drill: Drill) -> str:
    return page(drill).partition("\n## ")[0]


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z][a-z0-9-]*):.*## ", makefile, re.MULTILINE))


def sources() -> str:
    rooms = ("gateway/src", "shared/src")
    return "\n".join(p.read_text("utf-8") for room in rooms for p in (ROOT / room).rglob("*.py"))


def test_every_runbook_has_its_drill_and_every_drill_its_runbook() -> None:
    pages = {path.name for path in RUNBOOKS.glob("*.md")} - {"README.md"}
    assert pages == {drill.page for drill in DRILLS}
    assert len({drill.name for drill in DRILLS}) == len(DRILLS)


def test_the_index_names_every_runbook_with_the_state_of_its_drill() -> None:
    index = (RUNBOOKS / "README.md").read_text("utf-8")
    rows = dict(
        re.findall(r"^\|[^|]+\| \[[\w-]+\]\(([\w-]+\.md)\) \| ([\w ]+) \|", index, re.MULTILINE)
    )
    assert rows == {drill.page: drill.state for drill in DRILLS}


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_runbook_answers_the_same_questions_in_the_same_order(drill: Drill) -> None:
    assert re.findall(r"^## (.+)$", page(drill), re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_the_front_of_a_runbook_says_how_to_rehearse_it_and_who_decides(drill: Drill) -> None:
    assert f"`make drill NAME={drill.name}`" in front(drill)
    assert "Decides: " in front(drill)
    named = re.findall(r"`make ([a-z][a-z0-9-]*)", front(drill))
    assert set(named) <= targets()


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_a_runbook_shows_a_run_of_the_drill_as_it_is_now(drill: Drill) -> None:
    """Another number of expectations than the drill has means that the output is of an older one."""
    assert f"$ make drill NAME={drill.name}\n" in page(drill)
    if drill.state == "not yet":
        assert f"{drill.name}: not yet. Missing: {drill.missing[:60]}" in page(drill)
        return
    number = len(drill.load().Expect)
    assert f"{drill.name}: passed, {number} of {number} expectations held" in page(drill)
    assert f"{drill.name}: {drill.title}" in page(drill)
    assert not drill.missing or f"  not yet   {drill.missing[:60]}" in page(drill)


@pytest.mark.parametrize("drill", DRILLS, ids=lambda drill: drill.name)
def test_the_codes_a_runbook_names_are_those_of_the_code(drill: Drill) -> None:
    known = sources()
    for code in re.findall(r"codes? `(\w+)`", page(drill)):
        assert f'"{code}"' in known, code


def test_a_drill_that_is_not_built_says_what_is_missing_and_the_others_can_be_loaded() -> None:
    for drill in DRILLS:
        if drill.state == "not yet":
            assert drill.missing, drill.name
        else:
            module = drill.load()
            assert list(module.Expect), drill.name
            assert callable(module.rehearse)
            # what must be started in a way of its own cannot share a stack
            assert drill.alone or not hasattr(module, "opened")
