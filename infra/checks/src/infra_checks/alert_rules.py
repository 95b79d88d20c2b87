"""Alerts: each says how urgent it is, what is wrong and which page helps; its tests can fail."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from infra_checks.bench import Bench
from mcp_gateway.configuration import plain_yaml

FOLDER = Path("infra/observability")
SEVERITIES = {"page", "ticket", "none"}
EXPECTED = re.compile(r"^\s+exp: ?(.*)$", re.MULTILINE)
GOT = re.compile(r"^\s+got: ?(.*)$", re.MULTILINE)
ALERT = re.compile(r'alertname="(\w+)"')
DEAD_MANS_SWITCH = "Watchdog"  # always fires, and should
ALWAYS, NEVER = "vector(1)", "vector(1) < 0"


def rule_files(root: Path) -> list[Path]:
    return sorted((root / FOLDER / "rules").glob("*.rules.yaml"))


def test_files(root: Path) -> list[Path]:
    return sorted((root / FOLDER / "tests").glob("*.test.yaml"))


def read(path: Path) -> dict[str, Any]:
    document = plain_yaml.load(path)
    if not isinstance(document, dict):
        raise plain_yaml.NotPlainError(f"{path.name}: no keys")
    return document


def rules(path: Path) -> Iterator[dict[str, Any]]:
    for group in read(path)["groups"]:
        yield from group["rules"]


def alerts(path: Path) -> Iterator[dict[str, Any]]:
    return (rule for rule in rules(path) if "alert" in rule)


def findings(root: Path) -> Iterator[str]:
    seen: set[str] = set()
    for path in rule_files(root):
        for rule in alerts(path):
            yield from (f"{path.name}: {rule['alert']}: {one}" for one in _of(rule, root))
            if rule["alert"] in seen:
                yield f"{path.name}: {rule['alert']}: there are two of that name"
            seen.add(rule["alert"])


def _of(rule: dict[str, Any], root: Path) -> Iterator[str]:
    annotations = rule.get("annotations", {})
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"severity is none of {', '.join(sorted(SEVERITIES))}"
    if not annotations.get("summary"):
        yield "has no summary"
    url = str(annotations.get("runbook_url", ""))
    _, found, page = url.rpartition("playbook/runbooks/")
    if not found or not (root / "playbook" / "runbooks" / page).is_file():
        yield f"links no runbook: {url!r}"


def unnoticed(bench: Bench, promtool: Path) -> Iterator[str]:
    """Alerts that could always fire, or never, without a test failing."""
    for path in rule_files(bench.root):
        names = {rule["alert"] for rule in alerts(path)}
        tests = [test for test in test_files(bench.root) if path.name in test.read_text("utf-8")]
        for expr, word in ((ALWAYS, "always"), (NEVER, "never")):
            noticed = _noticed(bench, promtool, path, expr, tests)
            yield from (
                f"{path.name}: {name} could {word} fire, and no test would fail"
                for name in sorted(names - noticed)
                if (name, expr) != (DEAD_MANS_SWITCH, ALWAYS)
            )


def _noticed(bench: Bench, promtool: Path, rules: Path, expr: str, tests: list[Path]) -> set[str]:
    document = read(rules)
    for group in document["groups"]:
        for rule in group["rules"]:
            if "alert" in rule:
                rule["expr"] = expr
    noticed: set[str] = set()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        (folder / "rules").mkdir()
        (folder / "tests").mkdir()
        (folder / "rules" / rules.name).write_text(yaml.safe_dump(document))
        for test in tests:
            (folder / "tests" / test.name).write_text(test.read_text("utf-8"))
            said = bench.run(promtool, "test", "rules", test.name, folder=folder / "tests")
            told = said.stdout + said.stderr
            pairs = zip(EXPECTED.findall(told), GOT.findall(told), strict=False)
            for expected, got in pairs:
                noticed |= set(ALERT.findall(expected)) ^ set(ALERT.findall(got))
    return noticed
