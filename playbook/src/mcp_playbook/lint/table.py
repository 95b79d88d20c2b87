"""What a person at a terminal sees of the lint."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mcp_playbook.lint.cost import BUDGET_TOKENS, ESTIMATE
from mcp_playbook.lint.finding import Finding
from mcp_playbook.lint.report import Report

GOOD, FAIR = 90, 70  # colours only; the exit status knows findings and --floor


def show(console: Console, reports: Sequence[Report], together: int | None = None) -> None:
    """`together`: the tokens of all listed servers at once."""
    shown = Table(box=None, pad_edge=False, header_style="dim")
    shown.add_column("tool", no_wrap=True)
    for column in ("score", "words", "tokens", "findings"):
        shown.add_column(column, justify="right", no_wrap=True)
    for report in reports:
        shown.add_row(
            f"[bold]{escape(report.name)}[/]", _coloured(report.score), "", f"{report.tokens:,}",
            str(len(report.findings) or ""),
        )  # fmt: skip
        for tool in report.by_tool.values():
            shown.add_row(
                f"  {escape(tool.name)}", _coloured(tool.score), str(tool.words),
                f"{tool.tokens:,}", str(len(tool.findings) or ""),
            )  # fmt: skip
    if together is not None:
        colour = "red" if together > BUDGET_TOKENS else "bold"
        shown.add_row(
            "[bold]/mcp, all servers[/]", "", "", f"[{colour}]{together:,}[/]",
            f"of {BUDGET_TOKENS:,}",
        )  # fmt: skip
    console.print(shown)
    for report in reports:
        for finding in report.findings:
            _line(console, finding)
    console.print(
        f"\nScore of a server: 0.6 of its mean and 0.4 of its worst tool. Tokens: {ESTIMATE}.",
        style="dim",
    )


def _line(console: Console, finding: Finding) -> None:
    points = f"-{finding.points:.1f}"
    console.print(
        f"\n{finding.rule} {finding.title}, {escape(finding.tool)} [red]{points}[/]: "
        f"{escape(finding.what)}",
        soft_wrap=True,
    )
    console.print(f"   → {escape(finding.instead)}", soft_wrap=True)


def _coloured(score: float) -> str:
    colour = "green" if score >= GOOD else "yellow" if score >= FAIR else "red"
    return f"[{colour}]{score:.1f}[/]"
