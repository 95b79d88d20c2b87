"""What a person at a terminal sees of the selection evaluation."""

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mcp_playbook.selection.measured import RECALL_AT
from mcp_playbook.selection.report import CLAIMS, Report

SHOWN = 10  # pairs; the rest are in --json


def show(console: Console, report: Report, *, stale: bool = False) -> None:
    """`stale`: a lock was read that is not what the code serves, so nothing passes."""
    for name in report.without:
        console.print(f"{escape(name)}: no prompts; write them into its prompts.toml")
    if report.whole.hits:
        _figures(console, report)
        _confused(console, report)
        console.print(f"\n{CLAIMS}", style="dim", soft_wrap=True)
    for problem in report.problems:
        console.print(f"[red]fail[/]  {escape(problem)}", soft_wrap=True)
    for remedy in report.remedies:
        console.print(f"\n{escape(remedy)}", soft_wrap=True)
    if report.passed and not stale:
        console.print(
            "\n[green]pass[/]  better than names alone, and no prompt lost that was found before"
        )


def _figures(console: Console, report: Report) -> None:
    near = sum(c.prompt.near_miss for c in report.whole.cases if c.answer is not None)
    none = len(report.whole.cases) - len(report.whole.hits)
    console.print(
        f"{len(report.whole.hits)} prompts that a tool answers, {near} of them near misses, and "
        f"{none} that none does; of {', '.join(report.servers)}. In %, with the 95 % interval.\n",
        soft_wrap=True,
    )
    shown = Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column("BM25 reads", no_wrap=True)
    for column in ("first", f"among {RECALL_AT}", "first, near miss", "tells none (AUC)"):
        shown.add_column(column, justify="right", no_wrap=True)
    rows = {
        "the whole text": report.whole,
        "name, title, first sentence": report.first_sentence,
        "name and title": report.named,
    }
    for label, one in rows.items():
        shown.add_row(
            label, one.top_1.shown, one.recall.shown, one.near_miss.shown, f"{one.none_auc:.2f}"
        )
    console.print(shown)
    console.print(
        f"\nWhole text against names, prompt by prompt: {report.won} won, {report.lost} lost, "
        f"difference {report.gain.shown} points; exact McNemar p = {report.p_value:.2g}.\n"
        f"Words of a prompt that its tool's text has: {report.overlap:.0%}.",
        soft_wrap=True,
    )


def _confused(console: Console, report: Report) -> None:
    pairs = report.whole.confused.most_common()
    if pairs:
        console.print("\nTaken for another:")
    asked = Counter(case.answer for case in report.whole.cases)
    for (answer, chosen), times in pairs[:SHOWN]:
        console.print(f"  {times} of {asked[answer]}  {escape(answer)} → {escape(chosen)}")
    if len(pairs) > SHOWN:
        console.print(f"  and {len(pairs) - SHOWN} more pairs (--json)")
