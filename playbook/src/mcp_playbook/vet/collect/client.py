"""Runs a package client and reads its answer: bounded in time and size, never through a shell."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from mcp_playbook.vet.collect.outcome import NotHadError

SECONDS = 120.0
MOST_BYTES = 64 * 1024 * 1024


def answer(command: Sequence[str], *, folder: Path | None = None) -> tuple[int, str, str]:
    """Exit code, stdout and stderr.

    Raises:
        NotHadError: the client is not installed, hangs, or answers without end.

    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, errors="replace",
            timeout=SECONDS, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise NotHadError(f"{name} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise NotHadError(f"{name} did not answer within {SECONDS:.0f} s") from error
    if len(done.stdout) > MOST_BYTES:
        raise NotHadError(f"{name} answered more than {MOST_BYTES // 1024 // 1024} MiB")
    return done.returncode, done.stdout, done.stderr
