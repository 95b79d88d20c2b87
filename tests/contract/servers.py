"""Every server that gateway.yaml lists, found by itself, with what it serves now."""

import concurrent.futures
import functools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from architecture.tree import ROOT, listed, package_of


def _ask(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", package_of(folder), "--definitions"],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@functools.cache
def served() -> dict[str, dict[str, Any]]:
    """Definitions by server, asked once of all; no system of record is needed to answer."""
    folders = listed()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(zip(folders, pool.map(_ask, folders.values()), strict=True))
