"""`python -m mcp_local.locked_tool NAME`: a tool that few need, of a lock and a folder of its own.

Fetched when it is asked for, once for each lock, every hash checked; its packages never meet those
of .venv. The locks are infra/local/tools/NAME.txt.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from mcp_local import bootstrap, lock
from mcp_local.place import find_root

LOCKS = Path("infra") / "local" / "tools"
CACHE = Path(".cache")
SECONDS = 300


class ToolMissingError(RuntimeError):
    """It is not there, and no index or folder of wheels has it."""


def folder(root: Path, name: str) -> Path:
    """Where it is once it is ready: programs in bin/, modules beside it."""
    return root / CACHE / name


def is_ready(root: Path, name: str) -> bool:
    stamp = folder(root, name) / "ready"
    return stamp.is_file() and stamp.read_text() == _wanted(root, name)


def ready(root: Path, name: str) -> Path:
    """Its folder; installed anew where the lock is another one.

    Raises:
        ToolMissingError: with what the installer said.

    """
    place = folder(root, name)
    place.parent.mkdir(exist_ok=True)
    with lock.held(place.with_suffix(".lock"), wait=True):
        if not is_ready(root, name):
            shutil.rmtree(place, ignore_errors=True)
            _install(root, name, place)
            (place / "ready").write_text(_wanted(root, name))
    return place


def _wanted(root: Path, name: str) -> str:
    return hashlib.sha256((root / LOCKS / f"{name}.txt").read_bytes()).hexdigest()


def _install(root: Path, name: str, place: Path) -> None:
    with chdir(root):  # bootstrap speaks of the clone it stands in
        env = bootstrap.uv_environment()
    done = subprocess.run(
        [
            str(root / bootstrap.UV), "pip", "install", "-q", "--require-hashes", "--no-deps",
            "--only-binary", ":all:", "--python", sys.executable, "--target", str(place),
            "-r", str(root / LOCKS / f"{name}.txt"),
        ],
        cwd=root, env={**os.environ, **env}, check=False, capture_output=True, text=True,
        timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(place, ignore_errors=True)
        words = done.stderr.strip().splitlines() or ["no reason given"]
        raise ToolMissingError(f"{name} could not be installed: {words[-1].strip()}")


def main() -> int:
    root = find_root(Path.cwd())
    names = sorted(path.stem for path in (root / LOCKS).glob("*.txt"))
    parser = argparse.ArgumentParser(prog="python -m mcp_local.locked_tool", description=__doc__)
    parser.add_argument("name", choices=names)
    try:
        ready(root, parser.parse_args().name)
    except ToolMissingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
