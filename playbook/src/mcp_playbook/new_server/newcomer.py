"""`make newcomer`: from a fresh clone to the first governed call of a new server, in seconds.

Clones this checkout as git has it, on ports of its own, and takes everything away again.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mcp_local.place import place
from mcp_local.ports import free_port

NAME, THING, PERSON = "billing", "invoice", "ana"
GOAL_SECONDS = 300
STEPS = (
    ("install, make new-server", ("make", "new-server", f"NAME={NAME}", f"THING={THING}")),
    ("make up", ("make", "up")),
    (
        "make call",
        ("make", "call", f"PERSON={PERSON}", f"TOOL={NAME}_find_{THING}s", 'ARGS={"limit": 2}'),
    ),
)


class StepError(Exception):
    """A step that failed, with the last of what it said."""


def steps(source: Path, clone: Path) -> Iterator[tuple[str, float]]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    env |= {"STACK_GATEWAY_PORT": str(free_port()), "STACK_ISSUER_PORT": str(free_port())}
    yield "clone", _run(("git", "clone", "-q", str(source), str(clone)), source, env)
    try:
        for name, words in STEPS:
            yield name, _run(words, clone, env)
    finally:
        _run(("make", "clean"), clone, env)


def _run(words: tuple[str, ...], folder: Path, env: dict[str, str]) -> float:
    began = time.monotonic()
    done = subprocess.run(
        words, cwd=folder, env=env, check=False, capture_output=True, text=True, timeout=900
    )
    if done.returncode != 0:
        raise StepError(f"{' '.join(words)}:\n{(done.stdout + done.stderr)[-2000:]}")
    return time.monotonic() - began


def main() -> int:
    together = 0.0
    with tempfile.TemporaryDirectory(prefix="newcomer-", ignore_cleanup_errors=True) as folder:
        try:
            for name, seconds in steps(place().root, Path(folder) / "clone"):
                together += seconds
                sys.stdout.write(f"{name:<26} {seconds:7.1f} s\n")
                sys.stdout.flush()
        except StepError as error:
            sys.stderr.write(f"\n{error}\n")
            return 1
    sys.stdout.write(f"{'together':<26} {together:7.1f} s of {GOAL_SECONDS}\n")
    return int(together > GOAL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
