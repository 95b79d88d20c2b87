"""`python -m in_image.build ROOM`: what the Dockerfile's build stage runs, and tests run as well.

Makes a virtual environment with one room, the rooms it stands on and their locked packages, every
download checked against its hash; beside it what the room reads, and a bill of materials.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from in_image import closure, sbom

OWN = "infra/images"  # what starts the room: in every image
BACKEND = ("hatchling", "editables")  # of the rooms' wheels; not in the image
# what a room reads from the repository beside its code
READS = {
    "gateway": (
        "gateway/*.yaml",
        "servers/*/policy.yaml",
        "servers/*/tools.lock.json",
        "infra/keycloak/realm.json",
    ),
}


class BuildError(Exception):
    """A step that failed, with the last of what it said."""


def build(
    root: Path,
    room: str,
    into: Path,
    *,
    reads: Path,
    also: Iterable[str],
    uv: Path,
    compiled: bool = True,
) -> None:
    """`also` names packages of the lock that the room calls without depending on them.

    Compiled, since nothing can be written where the image runs.
    """
    compiling = ["--compile-bytecode"] if compiled else []
    folders = closure.rooms(root, root / room)
    folders += [folder for folder in [root / OWN] if folder not in folders]
    python = into / "bin" / "python"
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        _run(uv, "venv", "-q", "--python", sys.executable, into)
        asked = [*closure.requirements(root, folders), *also]
        _install(uv, python, _pinned(root, asked, work / "room", uv, python), *compiling)
        maker = work / "backend" / "bin" / "python"
        _run(uv, "venv", "-q", "--python", sys.executable, maker.parent.parent)
        _install(uv, maker, _pinned(root, BACKEND, work / "build", uv, maker))
        for folder in folders:
            _wheel(uv, maker, folder, work / "wheels")
        wheels = sorted((work / "wheels").glob("*.whl"))
        _run(uv, "pip", "install", "-q", "--no-deps", "--no-index", *compiling,
             "--python", python, *wheels)  # fmt: skip
    (into / ".lock").unlink(missing_ok=True)  # uv's own, which everybody could write
    (into / sbom.NAME).write_text(sbom.of(sbom.site_packages(into), room))
    for pattern in READS.get(room, ()):
        for file in sorted(root.glob(pattern)):
            target = reads / file.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)


def _pinned(root: Path, asked: Iterable[str], at: Path, uv: Path, python: Path) -> Path:
    """Which packages these need on this interpreter, as entries of the lock."""
    lock = root / "requirements.lock"
    wanted, chosen = at.with_suffix(".in"), at.with_suffix(".txt")
    wanted.write_text("\n".join(asked) + "\n")
    resolved = _run(uv, "pip", "compile", "-q", "--no-header", "--no-annotate",
                    "--no-emit-index-url", "--python", python, "-c", lock, wanted)  # fmt: skip
    chosen.write_text(closure.locked(lock.read_text("utf-8"), resolved))
    return chosen


def _install(uv: Path, python: Path, pins: Path, *options: str) -> None:
    _run(uv, "pip", "install", "-q", "--require-hashes", "--no-deps", *options,
         "--python", python, "-r", pins)  # fmt: skip


def _wheel(uv: Path, python: Path, folder: Path, into: Path) -> None:
    # built from a copy: a build leaves nothing behind in the repository
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / folder.name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("__pycache__"))
        _run(uv, "build", "-q", "--wheel", "--no-build-isolation", "--python", python,
             "-o", into, copy)  # fmt: skip


def _run(*command: str | Path) -> str:
    words = [str(word) for word in command]
    env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    done = subprocess.run(
        words, check=False, capture_output=True, text=True,
        env={**env, "UV_PYTHON_DOWNLOADS": "never"},
    )  # fmt: skip
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise BuildError(f"{' '.join(words[:4])} …: {said}")
    return done.stdout


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m in_image.build", description=__doc__)
    parser.add_argument("room", help="a folder of the workspace: gateway, servers/crm, …")
    parser.add_argument("--root", type=Path, default=Path.cwd())
    parser.add_argument("--into", type=Path, required=True, help="the virtual environment")
    parser.add_argument("--reads", type=Path, required=True, help="where what it reads goes")
    parser.add_argument("--also", nargs="*", default=[], help="further packages of the lock")
    parser.add_argument("--uv", type=Path, default=Path(sys.executable).with_name("uv"))
    given = parser.parse_args()
    try:
        build(
            given.root.resolve(), given.room, given.into.absolute(),
            reads=given.reads.absolute(), also=given.also, uv=given.uv,
        )  # fmt: skip
    except (closure.ClosureError, BuildError, OSError) as error:
        sys.stderr.write(f"image of {given.room}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
