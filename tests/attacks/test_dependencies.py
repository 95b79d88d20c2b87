"""P12: no locked dependency is older than the fix of a hole that is known; unknown is not none."""

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_local import advisories
from mcp_local.advisories import Audit, below_floor, floors, locked, read

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / advisories.LOCK).read_text("utf-8")


def test_p12_no_locked_version_is_below_its_floor() -> None:
    assert list(below_floor(LOCK, floors(ROOT))) == []


def test_p12_every_floor_is_of_a_locked_package_and_names_its_advisories() -> None:
    names = {name for name, _ in locked(LOCK)}
    assert {"mcp", "starlette", "h11"} <= set(floors(ROOT)) <= names
    for name, line in floors(ROOT).items():
        assert set(line) == {"floor", "because", "advisories"}, name
        assert line["advisories"]
        assert all(one.startswith(("CVE-", "GHSA-")) for one in line["advisories"]), name


@pytest.mark.parametrize("name", floors(ROOT))
def test_p12_a_lock_with_an_older_version_would_be_told(name: str) -> None:
    """Of every package, under any spelling of its name."""
    version = dict(locked(LOCK))[name]
    older = LOCK.replace(f"{name}=={version}", f"{name.replace('-', '_').title()}==0.0.1")
    assert older != LOCK
    (line,) = below_floor(older, floors(ROOT))
    assert line.startswith(f"{name} 0.0.1 is below ")


@pytest.mark.parametrize(
    ("version", "below"),
    [("1.28.0", True), ("1.9.4", True), ("1.28", True), ("1.28.1", False), ("1.28.1.post1", False), ("1.100.0", False), ("2.0.0", False)],
)  # fmt: skip
def test_p12_versions_are_compared_as_numbers(version: str, below: bool) -> None:
    assert bool(list(below_floor(f"mcp=={version} \\\n", floors(ROOT)))) is below


def report(*entries: Any) -> str:
    return json.dumps({"dependencies": entries, "fixes": []})


SOUND = {"name": "h11", "version": "0.16.0", "vulns": []}
HOLED = {
    "name": "mcp",
    "version": "1.20.0",
    "vulns": [{"id": "GHSA-x", "fix_versions": ["1.28.1"]}],
}
NO_FIX = {"name": "mcp", "version": "1.20.0", "vulns": [{"id": "GHSA-y"}]}
# what pip-audit says, with exit code 0 and "No known vulnerabilities found", where nobody answers
SKIPPED = {
    "name": "mcp",
    "skip_reason": "Dependency not found on the index and could not be audited",
}
NO_NETWORK = "requests.exceptions.ConnectionError: Failed to resolve the advisories' host"


@pytest.mark.parametrize(
    ("stdout", "stderr", "state", "says"),
    [
        (report(SOUND), "No known vulnerabilities found", "none known", "1 packages asked about"),
        (report(SOUND, HOLED), "Found 1 known", "found", "mcp 1.20.0: GHSA-x, fixed in 1.28.1"),
        (report(SKIPPED, HOLED), "", "found", "mcp 1.20.0: GHSA-x, fixed in 1.28.1"),
        (report(NO_FIX), "", "found", "mcp 1.20.0: GHSA-y, fixed in no version yet"),
        (report(SKIPPED), "No known vulnerabilities found", "not checked", "1 of 1 packages were not asked about"),
        (report(SOUND, SKIPPED), "No known vulnerabilities found", "not checked", "1 of 2 packages"),
        (report(), "", "not checked", "0 of 0"),
        ("", f"Traceback\n{NO_NETWORK}\n", "not checked", NO_NETWORK),
        ("", "python: No module named pip_audit\n", "not checked", "--fetch brings it"),
        ("[]", "", "not checked", "it said nothing"),
        ('{"dependencies": [7]}', "", "not checked", "it said nothing"),
    ],
)  # fmt: skip
def test_p12_only_an_answer_for_every_package_is_none_known(
    stdout: str, stderr: str, state: str, says: str
) -> None:
    found: Audit = read(stdout, stderr)
    assert found.state == state
    assert says in found.lines[0]
    assert advisories.CODES[found.state] == {"none known": 0, "found": 1, "not checked": 3}[state]
