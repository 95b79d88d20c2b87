"""The repository in a folder of its own, where commands may write; its Python finds the copy alone."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mcp_local.ports import free_port

ROOT = Path(__file__).parents[3]
ROOMS = ("shared", "gateway", "servers/*", "infra/*", "infra/sandbox/*", "playbook")
# it asks all servers of the demo company at once
QUESTION = "infra/sandbox/demo"
# `.venv` leads to the rooms of this checkout: in the copy they must not be found
FORGET = "import sys\nsys.path[:] = [p for p in sys.path if p not in {here!r}]\n"


@dataclass(frozen=True)
class Copy:
    root: Path
    env: dict[str, str]

    def run(self, *words: str, seconds: float = 100) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words], cwd=self.root, env=self.env,
            check=False, capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip

    def make(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.run("mcp_playbook.new_server", *words)

    @property
    def listing(self) -> Path:
        return self.root / "gateway" / "gateway.yaml"


def sources(root: Path) -> list[str]:
    return [str(folder) for room in ROOMS for folder in sorted(root.glob(f"{room}/src"))]


def copied(folder: Path, *new: str) -> Copy:
    """A copy in which servers of these names, once they are made, can be imported."""
    root, first = folder / "copy", folder / "first"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (source := ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, root / name)
    first.mkdir()
    (first / "sitecustomize.py").write_text(FORGET.format(here=set(sources(ROOT))))
    path = [one for one in sources(root) if QUESTION not in one]
    made = [str(root / "servers" / one / "src") for one in new]
    env = {
        **os.environ,
        "COLUMNS": "160",
        "PYTHONPATH": os.pathsep.join([str(first), *path, *made]),
        "STACK_GATEWAY_PORT": str(free_port()),
        "STACK_ISSUER_PORT": str(free_port()),
        "STACK_SCALE": "0.01",
    }
    return Copy(root, env)
