"""`python -m mcp_local.caddy`: the TLS terminator, fetched once for each lock, its hash checked.

Only a stack that was asked for TLS wants it; nobody else downloads it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from mcp_local import bootstrap, lock
from mcp_local.place import find_root

LOCK = Path("infra") / "local" / "caddy.txt"
FOLDER = Path(".cache") / "caddy"
SECONDS = 300


class CaddyMissingError(RuntimeError):
    """It is not there, and no index or folder of wheels has it."""


def program(root: Path) -> Path:
    return root / FOLDER / "bin" / "caddy"


def ready(root: Path) -> Path:
    """The program; installed where the lock is another one.

    Raises:
        CaddyMissingError: with what the installer said.

    """
    folder = root / FOLDER
    wanted = hashlib.sha256((root / LOCK).read_bytes()).hexdigest()
    stamp = folder / "ready"
    folder.parent.mkdir(exist_ok=True)
    with lock.held(folder.with_suffix(".lock"), wait=True):
        if not stamp.is_file() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _install(root, folder)
            stamp.write_text(wanted)
    return program(root)


def _install(root: Path, folder: Path) -> None:
    with chdir(root):  # bootstrap speaks of the clone it stands in
        env = bootstrap.uv_environment()
    done = subprocess.run(
        [
            str(root / bootstrap.UV), "pip", "install", "-q", "--require-hashes", "--no-deps",
            "--only-binary", ":all:", "--python", sys.executable, "--target", str(folder),
            "-r", str(root / LOCK),
        ],
        cwd=root, env={**os.environ, **env}, check=False, capture_output=True, text=True,
        timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        words = done.stderr.strip().splitlines() or ["no reason given"]
        raise CaddyMissingError(f"Caddy could not be installed: {words[-1].strip()}")


def main() -> int:
    try:
        ready(find_root(Path.cwd()))
    except CaddyMissingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
