"""requirements.lock: what has no hash, and what is known to be vulnerable."""

import json
import subprocess
import sys
from pathlib import Path

from mcp_local.lockcheck import unhashed

SECONDS = 120


def without_hash(lock: Path) -> list[str]:
    return sorted(unhashed(lock.read_text("utf-8")))


def advisories(lock: Path) -> list[str] | None:
    """`package version: id` of every known advisory; None when no database answers."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes",
             "-r", str(lock), "-f", "json", "--progress-spinner", "off"],
            check=False, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        packages = json.loads(done.stdout)["dependencies"]
    except (OSError, subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return [
        f"{package['name']} {package['version']}: {found['id']}"
        for package in packages
        for found in package.get("vulns", [])
    ]
