"""Whether requirements.lock is what the rooms ask for: resolved again, held to the locked versions.

Newer releases on the index change nothing; a dependency added, dropped or raised above its locked
version does. Without an index the answer is "not checked", and not a failure.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from mcp_local.place import find_root

LOCK = "requirements.lock"
NO_INDEX = (
    "Failed to fetch",
    "error sending request",
    "network connectivity",
    "Connection refused",
)


def pins(lock: str) -> set[str]:
    """`name==version ; marker` of every entry; hashes may differ between mirrors."""
    lines = lock.replace("\\\n", " ").splitlines()
    entries = (re.split(r"\s+--hash", line)[0] for line in lines)
    return {" ".join(entry.split()) for entry in entries if entry.strip() and entry[0].isalnum()}


def unhashed(lock: str) -> set[str]:
    lines = lock.replace("\\\n", " ").splitlines()
    return {line.split()[0] for line in lines if line[:1].isalnum() and "--hash=" not in line}


def copy_projects(root: Path, to: Path) -> None:
    """Every pyproject.toml of the workspace, and the locked versions as constraints."""
    members = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]
    for glob in members["members"]:
        for folder in root.glob(glob):
            if (folder / "pyproject.toml").is_file():
                copy = to / folder.relative_to(root)
                copy.mkdir(parents=True)
                shutil.copy(folder / "pyproject.toml", copy)
    locked = sorted(pins((root / LOCK).read_text()))
    constraints = "".join(f"    {pin!r},\n" for pin in (p.replace("'", '"') for p in locked))
    project = (root / "pyproject.toml").read_text()
    (to / "pyproject.toml").write_text(
        project.replace("[tool.uv]\n", f"[tool.uv]\nconstraint-dependencies = [\n{constraints}]\n")
    )


def resolve(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    uv = root / ".venv" / "bin" / "uv"
    env = {**os.environ, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
    env.pop("VIRTUAL_ENV", None)
    locked = subprocess.run(
        [uv, "lock", "-q"], cwd=folder, env=env, check=False, capture_output=True, text=True
    )
    if locked.returncode != 0:
        return locked
    return subprocess.run(
        [uv, "export", "-q", "--frozen", "--all-packages", "--all-groups", "--no-emit-workspace",
         "--no-annotate", "--no-header"],
        cwd=folder, env=env, check=False, capture_output=True, text=True,
    )  # fmt: skip


def main() -> int:
    root = find_root(Path.cwd())
    lock = (root / LOCK).read_text()
    if bare := unhashed(lock):
        print(f"{LOCK}: without a hash: {', '.join(sorted(bare))}. Run: make lock")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        copy_projects(root, Path(folder))
        fresh = resolve(root, Path(folder))
    if fresh.returncode != 0:
        if any(words in fresh.stderr for words in NO_INDEX):
            print(f"{LOCK}: not checked, the package index does not answer.")
            return 0
        print(f"{LOCK} does not fit the rooms' dependencies. Run: make lock\n{fresh.stderr}")
        return 1
    ours, theirs = pins(lock), pins(fresh.stdout)
    for missing in sorted(theirs - ours):
        print(f"{LOCK}: missing {missing}")
    for extra in sorted(ours - theirs):
        print(f"{LOCK}: nothing asks for {extra}")
    if ours != theirs:
        print("Run: make lock")
        return 1
    print(f"{LOCK}: {len(ours)} packages, as the rooms ask.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
