"""What a person at a terminal sees of a checklist and of a baseline."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mcp_playbook.baseline import Baseline
from mcp_playbook.checks.check import Outcome, State

console = Console(highlight=False)
COLOURS: dict[State, str] = {"pass": "green", "fail": "red", "not yet": "yellow"}


def begun(week: int, title: str, deployment: str) -> None:
    console.print(f"\n[bold]Week {week}: {escape(title)}[/]  {escape(deployment)}\n")


def line(outcome: Outcome) -> None:
    """One check: its state, what it is about, and what was seen."""
    check, colour = outcome.check, COLOURS[outcome.state]
    console.print(
        f"[{colour}]{outcome.state:8}[/]{check.id}  {escape(check.title)}"
        f"[dim]{'  black-box' if check.kind == 'black-box' else ''}[/]",
        soft_wrap=True,
    )
    console.print(f"              [dim]{escape(outcome.evidence)}[/]", soft_wrap=True)
    if outcome.do:
        console.print(f"              → {escape(outcome.do)}", soft_wrap=True)


def totals(outcomes: Sequence[Outcome], page: str) -> None:
    counts = {state: sum(one.state == state for one in outcomes) for state in COLOURS}
    told = ", ".join(f"[{COLOURS[state]}]{n} {state}[/]" for state, n in counts.items())
    seconds = sum(one.seconds for one in outcomes)
    console.print(f"\n{told}  in {seconds:.0f} s. What each line means: {page}", soft_wrap=True)


def kept(files: Sequence[Path]) -> None:
    here = Path.cwd()
    shown = [str(f.relative_to(here)) if f.is_relative_to(here) else str(f) for f in files]
    console.print(f"Kept: {', '.join(shown)}", soft_wrap=True)


def baseline(made: Baseline, earlier: Baseline | None) -> None:
    before = {tool.name: tool for tool in earlier.tools} if earlier else {}
    shown = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("tool", "calls", "completed", "p50 ms", "p95 ms", "before"):
        shown.add_column(column, justify="left" if column == "tool" else "right", no_wrap=True)
    for tool in made.tools:
        was = before.get(tool.name)
        shown.add_row(
            tool.name, str(tool.calls), f"{tool.completion:.0%}", f"{tool.p50_ms:.0f}",
            f"{tool.p95_ms:.0f}", f"{was.completion:.0%}, {was.p95_ms:.0f} ms" if was else "",
        )  # fmt: skip
    console.print(shown)
    for tool in made.tools:
        for failure in tool.failures:
            console.print(f"  {tool.name}: {failure}", markup=False)
    console.print(
        "\nThe share of these calls that were answered with a result. It says nothing about "
        "whether an agent would choose the tool (make select-tools), nor about other arguments.",
        soft_wrap=True,
    )
