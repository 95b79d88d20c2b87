"""Every check has a test that breaks what it checks, or, where nothing is built, sees it wait."""

import re
from pathlib import Path

from mcp_playbook.checks.catalogue import CHECKS, WEEKS, of_week
from mcp_playbook.checks.controls import ISO27001, PAGE, SOC2, render

ROOT = Path(__file__).parents[2]
# what is not built waits, and can only be shown to wait
WAITING: set[str] = set()


def seen_by_tests() -> dict[str, set[str]]:
    """Check id → what its tests see it do: pass, fail, wait."""
    found: dict[str, set[str]] = {}
    for file in (ROOT / "tests" / "playbook").rglob("test_*.py"):
        for name in re.findall(r"def (test_W\d_\d\d_\w+)", file.read_text("utf-8")):
            check = name[5:10].replace("_", "-")
            found.setdefault(check, set()).update(re.findall("passes|fails|waits", name))
    return found


def test_every_check_has_a_test_that_sees_it_fail() -> None:
    seen = seen_by_tests()
    assert set(seen) == {check.id for check in CHECKS}
    assert not {one for one, did in seen.items() if "fails" not in did} - WAITING
    assert not {one for one in WAITING if "waits" not in seen[one]}


def test_ids_are_unique_and_of_a_week_that_has_a_page() -> None:
    ids = [check.id for check in CHECKS]
    assert len(set(ids)) == len(ids)
    for week, (_, page) in WEEKS.items():
        assert of_week(week), week
        text = (ROOT / page).read_text("utf-8")
        assert not [check.id for check in of_week(week) if check.id not in text], page


def test_every_check_is_evidence_for_a_control_we_know() -> None:
    for check in CHECKS:
        assert check.controls, check.id
        assert not set(check.controls) - {*SOC2, *ISO27001}, check.id


def test_the_control_map_is_what_the_checks_say() -> None:
    assert (ROOT / PAGE).read_text("utf-8") == render(), "run `make controls`"
