"""`python -m mcp_playbook.lint [NAME] [--tools FILE] [--json] [--floor N] [--accept]`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mcp_local.place import NoRepositoryError, place
from mcp_local.screen import console
from mcp_playbook.lint import lint
from mcp_playbook.lint.cost import BUDGET_TOKENS, together
from mcp_playbook.lint.report import Report
from mcp_playbook.lint.served import Compared, compare, told
from mcp_playbook.lint.sources import SourceError, accept, listed, of_file, of_folder
from mcp_playbook.lint.table import show

CLEAN, FOUND, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook.lint", description=__doc__)
    parser.add_argument("name", nargs="?", help="one server of gateway.yaml; all without")
    parser.add_argument("--tools", type=Path, help="a file with an answer to tools/list instead")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--floor", type=float, metavar="N", help="findings are no failure at this score or above"
    )
    parser.add_argument(
        "--accept", action="store_true", help="the words fit the schemas as both are now (D10)"
    )
    given = parser.parse_args(arguments)
    if given.tools and given.accept:
        parser.error("--accept is for listed servers; --tools names none")
    compared: list[Compared] = []
    total: int | None = None
    root = Path()
    try:
        if given.tools:
            name = given.name or given.tools.stem
            reports = [lint(of_file(given.tools), name=name)]
        else:
            root = place().root
            folders = listed(root, with_server=given.name)
            chosen = [given.name] if given.name else list(folders)
            compared = compare(root, {server: folders[server] for server in chosen})
            accepting = given.accept and not any(one.changed for one in compared)
            reports = of_listed(root, given.name, accepting=accepting)
            total = together({name: of_folder(folder).tools for name, folder in folders.items()})
    except (SourceError, NoRepositoryError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    if given.json:
        print(json.dumps([report.as_json() for report in reports], indent=2))
    else:
        show(console, reports, total)
    sys.stderr.writelines(f"{line}\n" for line in told(root, compared))
    stale = any(one.changed for one in compared)
    dear = total is not None and total > BUDGET_TOKENS
    if dear:
        sys.stderr.write(f"All tools together cost {total:,} tokens, at most {BUDGET_TOKENS:,}.\n")
    if stale and given.accept:
        sys.stderr.write("Nothing was accepted.\n")
    failing = stale or dear or any(_fails(report, given.floor) for report in reports)
    return FOUND if failing else CLEAN


def of_listed(root: Path, name: str | None, *, accepting: bool = False) -> list[Report]:
    folders = listed(root, with_server=name)
    sources = {server: of_folder(folder) for server, folder in folders.items()}
    chosen = [name] if name else list(sources)
    if accepting:
        for server in chosen:
            accept(sources[server])
            sources[server] = of_folder(folders[server])
    tools = {server: source.tools for server, source in sources.items()}
    return [
        lint(
            tools[server],
            name=server,
            neighbours={other: theirs for other, theirs in tools.items() if other != server},
            record=sources[server].record,
            about=sources[server].about,
        )
        for server in chosen
    ]


def _fails(report: Report, floor: float | None) -> bool:
    """Findings fail; with a floor, a score below it, and always what D9 finds."""
    if floor is None:
        return bool(report.findings)
    return report.score < floor or bool(report.of({"D9"}))


if __name__ == "__main__":
    sys.exit(main())
