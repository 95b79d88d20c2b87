"""`python -m mcp_playbook.selection [NAME] [--json] [--accept]`."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mcp_local.place import NoRepositoryError, place
from mcp_local.screen import console
from mcp_playbook.lint.served import Compared, compare, told
from mcp_playbook.lint.sources import SourceError, listed
from mcp_playbook.selection import evaluate
from mcp_playbook.selection.prompts import PromptsError
from mcp_playbook.selection.table import show

PASSED, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook.selection", description=__doc__)
    parser.add_argument("name", nargs="?", help="one server of gateway.yaml; all without")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument(
        "--accept", action="store_true", help="keep prompts and confusions as what to compare with"
    )
    given = parser.parse_args(arguments)
    compared: list[Compared] = []
    root = Path()
    try:
        root = place().root
        folders = listed(root, with_server=given.name)
        compared = compare(root, folders)
        stale = any(one.changed for one in compared)
        accepting = given.accept and not stale
        report = evaluate(list(folders.values()), only=given.name, accept=accepting)
    except (PromptsError, SourceError, NoRepositoryError) as error:
        sys.stderr.writelines(f"{line}\n" for line in (error, *told(root, compared)))
        return USAGE
    if given.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        show(console, report, stale=stale)
    sys.stderr.writelines(f"{line}\n" for line in told(root, compared))
    if stale and given.accept:
        sys.stderr.write("Nothing was accepted.\n")
    return PASSED if report.passed and not stale else FAILED


if __name__ == "__main__":
    sys.exit(main())
