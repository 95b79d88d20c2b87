"""`python -m mcp_playbook.approve NAME`: pin what runs, on the record, once it was looked at.

Two steps: the first shows what changed and gives it a number; the second, with that number and a
reason, approves exactly this. What no model should read is not approved.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from mcp_gateway.audit import keys
from mcp_gateway.audit.waiting import LedgerDown
from mcp_gateway.configuration.settings import ConfigError, Settings, from_environment
from mcp_gateway.switches.cli import operator
from mcp_playbook.approve import approval
from mcp_playbook.approve.approval import Approval
from mcp_playbook.diff.report import legend, lines
from mcp_playbook.lint.sources import LOCK, SourceError

DONE, REFUSED, USAGE = 0, 1, 2
MAX_REASON = 500


def main(arguments: Sequence[str] | None = None, *, insist_on_durability: bool = True) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook.approve", description=__doc__)
    parser.add_argument("name", help="one server of gateway.yaml")
    parser.add_argument("--seen", default="", help="the number that the first step gave")
    parser.add_argument("--reason", default="", help="why; on the record")
    given = parser.parse_args(arguments)
    try:
        made = from_environment()
        found = asyncio.run(approval.of(given.name, made))
    except (ConfigError, SourceError) as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    print("\n".join([*lines(given.name, found.changes), *legend({given.name: found.changes})]))
    if not found.changes:
        return DONE
    if told := _refused(found, given.seen, given.reason.strip()):
        sys.stderr.write(f"Not approved: {told}\n")
        return REFUSED
    return _approved(found, made, given.reason.strip(), insist_on_durability=insist_on_durability)


def _refused(found: Approval, seen: str, reason: str) -> str:
    if found.unsafe:
        return "\n".join(["what no model should read", *(f"  {one}" for one in found.unsafe)])
    if not seen:
        again = f'make tools-approve NAME={found.server} SEEN={found.number} REASON="…"'
        return f"look at it first. To approve exactly this: {again}"
    if seen != found.number:
        return "it has changed again: look once more"
    if not 0 < len(reason) <= MAX_REASON:
        return f"say why, in {MAX_REASON} characters at most: REASON=…"
    return ""


def _approved(found: Approval, made: Settings, reason: str, *, insist_on_durability: bool) -> int:
    detail = found.detail(operator(), reason)
    try:
        asyncio.run(approval.record(made, detail, insist_on_durability=insist_on_durability))
    except (LedgerDown, OSError, keys.KeyFileError) as error:
        sys.stderr.write(f"Not recorded, so nothing was approved: {error}\n")
        return REFUSED
    found.write()
    print(f"{found.server}: approved, on the record as {detail['by']}; commit its {LOCK}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
