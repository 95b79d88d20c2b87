"""PostgreSQL's own backup tools, from where the stack has its server."""

import os
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from mcp_local.postgres_home import binaries

SECONDS = 300


class ToolError(RuntimeError):
    """A tool failed; the message is its own."""


def tool(name: str, url: str, *words: str) -> str:
    """Run one tool against a database; the password stays out of the process list."""
    parts = urlsplit(url)
    address = parts._replace(netloc=f"{parts.username}@{parts.hostname}:{parts.port}")
    done = subprocess.run(
        [str(binaries() / name), "-d", urlunsplit(address), *words],
        env={**os.environ, "PGPASSWORD": unquote(parts.password or "")},
        check=False, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise ToolError(f"{name}: {done.stderr.strip()[-1000:]}")
    return done.stdout


def dump(url: str, file: Path) -> int:
    """One database in PostgreSQL's custom format; its size in bytes."""
    tool("pg_dump", url, "--format=custom", f"--file={file}")
    return file.stat().st_size
