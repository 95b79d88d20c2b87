"""A run that dies half-way lists nothing, is named by the next one, and is undone by one command."""

import subprocess
import sys
from pathlib import Path

import pytest
from playbook.new_server.copied import Copy, copied

NEW = "half-made"
# the process ends at its n-th move or write, as when somebody pulls the plug
DIES = """
import os, shutil, sys
from mcp_playbook.new_server import put
left = [int(sys.argv.pop(1))]
def dying(step):
    def instead(*words):
        left[0] -= 1
        if left[0] < 0:
            os._exit(9)
        return step(*words)
    return instead
put.shutil.move, put._write = dying(shutil.move), dying(put._write)
from mcp_playbook.new_server.__main__ import main
sys.exit(main())
"""
STEPS = 2 + 7  # two folders; gateway.yaml and what else names every server


@pytest.fixture(scope="module")
def copy(run_folder: Path) -> Copy:
    return copied(run_folder / "interrupted", NEW)


def standing(copy: Copy) -> dict[str, str]:
    """Every file that git would have, but for what runs and caches leave."""
    skipped = {".run", "__pycache__", ".ruff_cache", ".venv"}
    return {
        path.relative_to(copy.root).as_posix(): path.read_text("utf-8", errors="replace")
        for path in copy.root.rglob("*")
        if path.is_file() and not skipped & set(path.relative_to(copy.root).parts)
    }


def test_wherever_it_dies_one_command_puts_everything_back(copy: Copy) -> None:
    before = standing(copy)
    for step in (0, 1, 2, 4, STEPS - 1):
        died = subprocess.run(
            [sys.executable, "-c", DIES, str(step), NEW], cwd=copy.root, env=copy.env,
            check=False, capture_output=True, text=True, timeout=100,
        )  # fmt: skip
        assert died.returncode == 9, died.stderr
        assert copy.listing.read_text("utf-8") == before["gateway/gateway.yaml"], step
        if step:
            again = copy.make(NEW)
            assert again.returncode == 1
            assert f"make new-server NAME={NEW} REMOVE=1" in again.stderr
            undone = copy.make("--remove", NEW)
            assert undone.returncode == 0, undone.stderr
        after = standing(copy)
        assert after == before, sorted(name for name in after.keys() ^ before.keys())
