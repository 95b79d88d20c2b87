"""README's figures are those of the reports they come from, so that neither can age alone."""

import re
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from architecture.tree import ROOT

README = " ".join((ROOT / "README.md").read_text("utf-8").split())


def of_report(pattern: str, *reports: Path) -> list[re.Match[str]]:
    found = [re.search(pattern, report.read_text("utf-8")) for report in reports]
    assert all(found), pattern
    return [one for one in found if one]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def faults() -> Iterable[str]:
    reports = sorted((ROOT / "tests" / "faults" / "results").glob("*.md"))
    clean = r"\*\*Clean\*\*: .*? calls, ([\d,]+) answered, ([\d,]+) faults, .* 0 complaints"
    found = of_report(clean, *reports)
    yield f"none of {sum(number(one[1]) for one in found):,} answers"
    yield f"{sum(number(one[2]) for one in found):,} times in {len(reports)} runs of half an hour"


def bench() -> Iterable[str]:
    (report,) = (ROOT / "tests" / "bench" / "results").glob("*-quiet.md")
    text = report.read_text("utf-8")
    cost = {
        (what, int(connections)): float(milliseconds)
        for what, connections, milliseconds in re.findall(
            r"^\| ([^|]+) \| (\d+) \| ([\d.]+) \(", text, re.MULTILINE
        )
    }
    for what, words in (("gateway", "ms of processor time"), ("SDK server, 2026-07-28", "for the")):
        low, high = sorted(cost[what, connections] for connections in (8, 32))
        yield f"{low:.2f} to {high:.2f} {words}"
    (added,) = of_report(r"adds ([\d.]+) ms .* two flushes took ([\d.]+) ms", report)
    yield f"it adds {float(added[1]):.1f} ms, {float(added[2]):.1f} of them two flushes"


def repair() -> Iterable[str]:
    text = (ROOT / "playbook" / "measured" / "repair.md").read_text("utf-8")
    shares = {
        way: [round(float(share)) for share in re.findall(rf"\| {way} \| ([\d.]+) \|", text)]
        for way in ("structured", "first message")
    }
    yield "repairs {} % of known mistakes and {} % of held-out".format(*shares["structured"])
    yield "first message {} and {} %".format(*shares["first message"])


def selection() -> Iterable[str]:
    files = [tomllib.loads(file.read_text("utf-8")) for file in ROOT.glob("servers/*/prompts.toml")]
    asked = sum(one["expects"] != "none" for file in files for one in file["prompt"])
    yield f"of {asked} prompts"


def search() -> Iterable[str]:
    judged = (ROOT / "tests" / "search" / "judgements.toml").read_text("utf-8").count("\n[[")
    page = ROOT / "servers" / "docs" / "README.md"
    (ours,) = of_report(r"\| this server \| \*\*([\d.]+)\*\*", page)
    (theirs,) = of_report(r"`ts_rank_cd`, any word \| ([\d.]+)", page)
    yield f"{float(ours[1]):.2f} on {judged} judged questions, {float(theirs[1]):.2f} by Postgres'"


def hostile() -> Iterable[str]:
    page = ROOT / "playbook" / "decisions" / "0031-sql-measured-by-layer.md"
    (both,) = of_report(r"\| both \| [\d-]+ \| 0 \| 0 \| 0 \| (\d+) \|", page)
    yield f"{both[1]} of {both[1]} hostile statements"


def newcomer() -> Iterable[str]:
    page = ROOT / "playbook" / "decisions" / "0013-new-server-from-a-template.md"
    (together,) = of_report(r"\| \*\*together\*\* \| \*\*(\d+)\*\*", page)
    yield f"{together[1]} s from `git clone`"


@pytest.mark.parametrize(
    "report",
    [faults, bench, repair, selection, search, hostile, newcomer],
    ids=lambda one: one.__name__,
)
def test_a_figure_is_as_its_report_says(report: Callable[[], Iterable[str]]) -> None:
    for words in report():
        assert words in README, f"the report says now: {words}"
