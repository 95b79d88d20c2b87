"""`python -m mcp_playbook.selection [NAME] [--json] [--accept]`."""

import argparse
import json
import sys
from collections.abc import Sequence

from mcp_local.place import NoRepositoryError, place
from mcp_local.screen import console
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
    try:
        folders = listed(place().root, with_server=given.name)
        report = evaluate(list(folders.values()), only=given.name, accept=given.accept)
    except (PromptsError, SourceError, NoRepositoryError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    if given.json:
        print(json.dumps(report.as_json(), indent=2))
    else:
        show(console, report)
    return PASSED if report.passed else FAILED


if __name__ == "__main__":
    sys.exit(main())
