"""The official suite, installed and run by the wheel's node, and what it found."""

import asyncio
import json
import os
import re
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from clients import node

PACKAGE = "@modelcontextprotocol/conformance"
RUN_SECONDS = 240


@dataclass(frozen=True)
class Report:
    """Exit status and output of one run, and the outcomes of each scenario's checks."""

    status: int
    output: str
    scenarios: dict[str, Counter[str]]

    @property
    def passed(self) -> set[str]:
        """Scenarios of which a check passed and none failed."""
        return {
            name
            for name, found in self.scenarios.items()
            if found["SUCCESS"] and not found["FAILURE"] and not found["WARNING"]
        }

    def table(self) -> str:
        lines = [f"{'scenario':<48}{'passed':>7}{'failed':>7}{'warned':>7}{'skipped':>8}"]
        total: Counter[str] = Counter()
        for name, found in sorted(self.scenarios.items()):
            total += found
            lines.append(_line(name, found))
        return "\n".join([*lines, _line("all", total)])


def _line(name: str, found: Counter[str]) -> str:
    shown = [found[one] for one in ("SUCCESS", "FAILURE", "WARNING", "SKIPPED")]
    return f"{name:<48}{shown[0]:>7}{shown[1]:>7}{shown[2]:>7}{shown[3]:>8}"


@dataclass(frozen=True)
class Suite:
    node: Path
    script: Path

    def required(self, requirements: str) -> set[str]:
        """The scenarios that the set requires of a server, by the suite's own list."""
        done = subprocess.run(
            [str(self.node), str(self.script), "list", "--server", "--requirements", requirements],
            check=True, capture_output=True, text=True, timeout=RUN_SECONDS,
        )  # fmt: skip
        listed = done.stdout.partition("Server scenarios")[2].partition("\n\n")[0]
        return set(re.findall(r"^  - (\S+)$", listed, re.MULTILINE))

    async def __call__(self, url: str, requirements: str, expected: Path, out: Path) -> Report:
        """A whole requirement set."""
        chosen = ("--requirements", requirements, "--expected-failures", str(expected))
        return await self._run(url, out, *chosen)

    async def alone(self, url: str, scenario: str, version: str, out: Path, *more: str) -> Report:
        """One scenario, also of an extension; these are skipped, and end well, without `--force`."""
        return await self._run(url, out, "--scenario", scenario, "--spec-version", version, *more)

    async def _run(self, url: str, out: Path, *chosen: str) -> Report:
        process = await asyncio.create_subprocess_exec(
            str(self.node), str(self.script), "server", "--url", url, *chosen, "-o", str(out),
            env={**os.environ, "NO_PROXY": "localhost,127.0.0.1"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(RUN_SECONDS):
                output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Report(process.returncode, output.decode(), _scenarios(out))


def _scenarios(out: Path) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for file in sorted(out.rglob("checks.json")):
        checks = json.loads(file.read_text("utf-8"))
        name = re.sub(r"^server-(.*?)-\d{4}-\d\d-\d\dT.*$", r"\1", file.parent.name)
        found[name] = Counter(check["status"] for check in checks)
    return found


def installed() -> Suite:
    found = node.installed("conformance")
    return Suite(found.node, found.package(PACKAGE) / "dist" / "index.js")
