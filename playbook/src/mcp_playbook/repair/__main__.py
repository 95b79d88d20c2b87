"""`python -m mcp_playbook.repair`: bare, text and structured errors side by side."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markdown import Markdown

from mcp_local.place import NoRepositoryError, place
from mcp_local.screen import console
from mcp_playbook.lint.sources import SourceError, listed, of_folder
from mcp_playbook.repair import parameters
from mcp_playbook.repair.measure import SETS, RiggedError, measure, sensitivity
from mcp_playbook.repair.report import as_json, gap, in_short, page

MEASURED, RIGGED, USAGE = 0, 1, 2
PAGE = Path("playbook/measured/repair.md")
SHOWN = Path("playbook/tool-descriptions.md")  # has the figures in short


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook.repair", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the figures for a program")
    parser.add_argument(
        "--keep", action="store_true", help=f"write {PAGE}, and the table in {SHOWN}"
    )
    parser.add_argument("--short", action="store_true", help="one seed, fewer calls")
    given = parser.parse_args(arguments)
    if given.short and given.keep:
        parser.error("--keep is for the whole measurement")
    made = parameters.load()
    hashes = (parameters.hash_of(), parameters.hash_of_agent())
    if hashes[1] != made.agent:
        sys.stderr.write(
            "The agent is another than when the held-out mistakes were written: they are held out "
            "no more. Write new ones, then put its hash into parameters.yaml.\n"
        )
        return RIGGED
    try:
        root = place().root
        tools = of_listed(root)
        asked = made.shorter if given.short else made
        found = {name: measure(tools, asked, mistakes) for name, mistakes in SETS.items()}
        other = {} if given.json else sensitivity(tools, asked)
    except (SourceError, NoRepositoryError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except RiggedError as error:
        sys.stderr.write(f"The measurement is not to be trusted: {error}\n")
        return RIGGED
    if given.json:
        print(json.dumps(as_json(found, hashes), indent=2))
        return MEASURED
    text = page(found, asked, len(tools), hashes, other)
    console.print(Markdown(text))
    if (points := gap(found)) > made.margin_points:
        console.print(f"Held-out mistakes: {points:.1f} points fewer correct.", style="bold red")
    if given.keep:
        (root / PAGE).parent.mkdir(exist_ok=True)
        (root / PAGE).write_text(text, "utf-8")
        shown = root / SHOWN
        shown.write_text(in_short(shown.read_text("utf-8"), found), "utf-8")
    return MEASURED


def of_listed(root: Path) -> dict[str, dict[str, Any]]:
    """Input schemas of all listed servers' tools, by their names on the aggregate endpoint."""
    return {
        f"{server}_{tool['name']}": dict(tool["inputSchema"])
        for server, folder in listed(root).items()
        for tool in of_folder(folder).tools
    }


if __name__ == "__main__":
    sys.exit(main())
