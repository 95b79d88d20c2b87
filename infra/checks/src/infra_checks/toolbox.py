"""The validators' own environment, made from tools.lock by the locked uv, once per lock."""

import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from mcp_local import bootstrap, lock

LOCK = Path("infra/checks/tools.lock")
FOLDER = Path(".cache/infra-tools")
INSTALL_SECONDS = 600


class ToolsMissingError(RuntimeError):
    """The tools are not installed, and could not be."""


def ready(root: Path) -> Path:
    """The folder of the tools' programs; installs them where the lock is another one."""
    folder = root / FOLDER
    programs = folder / "bin"
    wanted = hashlib.sha256((root / LOCK).read_bytes()).hexdigest()
    stamp = folder / "ready"
    folder.parent.mkdir(exist_ok=True)
    with lock.held(folder.with_suffix(".lock"), wait=True):
        if stamp.is_file() and stamp.read_text() == wanted:
            return programs
        shutil.rmtree(folder, ignore_errors=True)
        sys.stderr.write(f"Installing the validators of {LOCK} into {FOLDER}\n")
        _install(root, folder)
        stamp.write_text(wanted)
    return programs


def _install(root: Path, folder: Path) -> None:
    with chdir(root):  # bootstrap speaks of the clone it stands in
        env = {**bootstrap.uv_environment(), "VIRTUAL_ENV": str(folder)}
    uv = root / bootstrap.UV
    for command in (
        [uv, "venv", "-q", "--python", sys.executable, folder],
        [uv, "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", root / LOCK],
    ):
        done = subprocess.run(
            [str(word) for word in command], cwd=root, env={**os.environ, **env}, check=False,
            capture_output=True, text=True, timeout=INSTALL_SECONDS,
        )  # fmt: skip
        if done.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)
            words = done.stderr.strip().splitlines() or ["no reason given"]
            raise ToolsMissingError(f"the tools could not be installed: {words[-1].strip()}")
