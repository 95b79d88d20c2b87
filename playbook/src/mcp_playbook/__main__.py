"""`python -m mcp_playbook week N | controls`."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from mcp_gateway.configuration import settings
from mcp_gateway.configuration.settings import ConfigError
from mcp_gateway.rights import policy
from mcp_local.cli import FORESEEN
from mcp_local.place import find_root
from mcp_playbook import evidence, screen, source
from mcp_playbook.checks.catalogue import WEEKS, of_week
from mcp_playbook.checks.controls import PAGE, render
from mcp_playbook.checks.run import run
from mcp_playbook.deployment import Deployment

PASSED, FAILED, UNUSABLE = 0, 1, 2  # exit codes


def week(number: int, *, strict: bool) -> int:
    at = source.from_environment()
    title, page = WEEKS[number]
    screen.begun(number, title, at.name)
    checks = of_week(number)
    if at.kit is None:
        checks = tuple(check for check in checks if check.kind == "black-box")
    outcomes = asyncio.run(run(checks, at, screen.line))
    screen.totals(outcomes, page)
    root = at.kit.root if at.kit else Path.cwd()
    folder = at.kit.evidence if at.kit else source.evidence(root)
    made = evidence.gather(number, at.name, root, _policy(at), outcomes)
    screen.kept(evidence.write(made, folder))
    bad = made.count("fail") + (made.count("not yet") if strict else 0)
    return FAILED if bad else PASSED


def _policy(at: Deployment) -> str:
    """The version hash that every decision on the record carries."""
    if at.kit is None:
        return "not known"
    try:
        config = settings.load(at.kit.config)
        agents = at.kit.config.parent / "agents.yaml"
        return policy.load(list(at.kit.servers), agents, config.limits.timeout).version
    except ConfigError as error:
        return f"unreadable: {error}"


def controls(*, check: bool) -> int:
    """Write the control map anew; with --check only say whether it is what the checks say."""
    file = find_root(Path.cwd()) / PAGE
    text = render()
    if check:
        same = file.is_file() and file.read_text("utf-8") == text
        print(
            f"{PAGE}: {'as the checks say' if same else 'differs from the checks: make controls'}"
        )
        return PASSED if same else FAILED
    file.write_text(text, "utf-8")
    print(f"{PAGE} written")
    return PASSED


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_playbook", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    weekly = commands.add_parser("week", help="run the checklist of one week")
    weekly.add_argument("number", type=int, choices=sorted(WEEKS))
    weekly.add_argument("--strict", action="store_true", help="not yet counts as a failure")
    mapped = commands.add_parser("controls", help="the control map for auditors")
    mapped.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    try:
        if given.command == "controls":
            return controls(check=given.check)
        return week(given.number, strict=given.strict or os.environ.get("STRICT") == "1")
    except (*FORESEEN, source.SourceError) as error:
        print(error, file=sys.stderr)
        return UNUSABLE


if __name__ == "__main__":
    sys.exit(main())
