"""Closed loop: wrk runs call.lua, and says what came back."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from bench import asking
from bench.measured import Load

SCRIPT = Path(__file__).with_name("call.lua")
MISSING = (
    "wrk is not installed; it makes the load. On Debian and Ubuntu: apt-get install wrk; "
    "on macOS: brew install wrk."
)


class WrkError(RuntimeError):
    """wrk is missing, or did not do what it was asked to."""


def insist() -> str:
    if (found := shutil.which("wrk")) is None:
        raise WrkError(MISSING)
    return found


def command(port: int, connections: int, seconds: float, file: Path, first: int) -> list[str]:
    return [
        insist(), "-t", "1", "-c", str(connections), "-d", f"{round(seconds)}s",
        "--timeout", "10s", "-s", str(SCRIPT), f"http://127.0.0.1:{port}/", "--",
        str(file), str(first),
    ]  # fmt: skip


def run(port: int, request: bytes, connections: int, seconds: float, folder: Path) -> Load:
    """Send this request over so many connections, each after the answer of the one before."""
    file = folder / f"request-{os.getpid()}-{port}.http"
    file.touch(mode=0o600)  # a token is in it
    file.write_bytes(request)
    first = time.time_ns() // 1_000_000 % 800_000_000_000 + 100_000_000_000
    done = subprocess.run(
        command(port, connections, seconds, file, first),
        capture_output=True, text=True, timeout=seconds + 60, check=False,
    )  # fmt: skip
    file.unlink()
    if done.returncode != 0:
        raise WrkError(f"wrk: {done.stdout[-500:]} {done.stderr[-500:]}")
    return parsed(done.stdout)


def parsed(output: str) -> Load:
    lines = dict(line.partition(" ")[::2] for line in output.split("\n"))
    if "FIGURES" not in lines:
        raise WrkError(f"wrk told no figures: {output[-500:]}")
    figures = {key: int(value) for key, value in re.findall(r"(\w+)=(-?\d+)", lines["FIGURES"])}
    bodies = [one for one in lines.get("BODIES", "").split(asking.RECORD) if one]
    problems = [found for body in bodies if (found := asking.problem(body)) is not None]
    if lines.get("WRONG"):
        problems.insert(0, lines["WRONG"])
    return Load(
        requests=figures["requests"],
        seconds=figures["us"] / 1e6,
        bytes=figures["bytes"],
        failed=figures["wrong"] + sum(figures[k] for k in ("connect", "read", "write", "timeout")),
        p50=figures["p50"] / 1000,
        p90=figures["p90"] / 1000,
        p99=figures["p99"] / 1000,
        p999=figures["p999"] / 1000,
        max=figures["max"] / 1000,
        sampled=len(bodies),
        problems=tuple(problems),
    )
