"""Whether a locked dependency has a known hole: floors kept here, and pip-audit where it can ask.

`--fetch` brings pip-audit first. What could not be asked is "not checked", which is not "none
known": pip-audit itself ends with 0 when a database answers for no package at all. Exit codes: 0
none known, 1 found, 3 not checked.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mcp_local import locked_tool
from mcp_local.place import find_root

LOCK = "requirements.lock"
TOOL = "pip-audit"
FLOORS = Path("infra") / "local" / "floors.toml"
SECONDS = 300
CODES = {"none known": 0, "found": 1, "not checked": 3}

State = Literal["none known", "found", "not checked"]


@dataclass(frozen=True)
class Audit:
    """What is known, and one line for each thing to say."""

    state: State
    lines: tuple[str, ...] = ()


def locked(lock: str) -> Iterator[tuple[str, str]]:
    """Name and version of every entry; a name may come twice, for two versions of Python."""
    for found in re.finditer(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", lock, re.MULTILINE):
        yield re.sub(r"[-_.]+", "-", found[1]).lower(), found[2]


def below_floor(lock: str, floors: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """One line for each locked version that a known hole is in."""
    for name, version in locked(lock):
        line = floors.get(name)
        if line is not None and _numbers(version) < _numbers(str(line["floor"])):
            known = ", ".join(line["advisories"])
            yield f"{name} {version} is below {line['floor']}: {line['because']} ({known})"


def _numbers(version: str) -> tuple[int, ...]:
    """The release alone: locked versions here are releases."""
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else ()


def floors(root: Path) -> dict[str, dict[str, Any]]:
    return tomllib.loads((root / FLOORS).read_text("utf-8"))


def audit(root: Path) -> Audit:
    """Floors first; then pip-audit over the whole lock, where it was fetched or is installed."""
    lock = root / LOCK
    if lines := tuple(below_floor(lock.read_text("utf-8"), floors(root))):
        return Audit("found", lines)
    command = [
        sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--require-hashes",
        "--disable-pip", "--format", "json", "--progress-spinner", "off",
    ]  # fmt: skip
    # its own packages before those of .venv
    fetched = locked_tool.is_ready(root, TOOL)
    path = {"PYTHONPATH": str(locked_tool.folder(root, TOOL))} if fetched else {}
    try:
        done = subprocess.run(
            command, env={**os.environ, **path}, check=False, capture_output=True, text=True,
            timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Audit("not checked", (f"pip-audit did not end within {SECONDS} s",))
    return read(done.stdout, done.stderr)


def read(stdout: str, stderr: str) -> Audit:
    """What pip-audit's report says, whatever its exit code was."""
    try:
        entries = json.loads(stdout)["dependencies"]
        return _judged(entries)
    except (ValueError, LookupError, TypeError, AttributeError):
        last = stderr.strip().splitlines()[-1:] or ["it said nothing"]
        missing = "No module named pip_audit" in stderr
        why = (
            "pip-audit is not there: python -m mcp_local.advisories --fetch brings it"
            if missing
            else last[0][:200]
        )
        return Audit("not checked", (why,))


def _judged(entries: Iterable[Mapping[str, Any]]) -> Audit:
    held, skipped, asked = [], [], 0
    for entry in entries:
        if reason := entry.get("skip_reason"):
            skipped.append(f"{entry['name']}: {reason}")
            continue
        asked += 1
        for hole in entry["vulns"]:
            fixed = ", ".join(hole.get("fix_versions") or []) or "no version yet"
            held.append(f"{entry['name']} {entry['version']}: {hole['id']}, fixed in {fixed}")
    if held:
        return Audit("found", tuple(held))
    if skipped or not asked:
        of = f"{len(skipped)} of {asked + len(skipped)} packages were not asked about"
        return Audit("not checked", (of, *skipped[:3]))
    return Audit("none known", (f"{asked} packages asked about",))


def main() -> int:
    root = find_root(Path.cwd())
    parser = argparse.ArgumentParser(prog="python -m mcp_local.advisories", description=__doc__)
    parser.add_argument("--fetch", action="store_true", help="install pip-audit, hash-checked")
    if parser.parse_args().fetch:
        try:
            locked_tool.ready(root, TOOL)
        except locked_tool.ToolMissingError as error:
            sys.stderr.write(f"{error}\n")
    found = audit(root)
    print(f"{LOCK}: {found.state}", *found.lines, sep="\n  ")
    return CODES[found.state]


if __name__ == "__main__":
    sys.exit(main())
