"""Calls that come when they come: at 50, 80, 100 and 120 % of what the gateway served at most."""

import json
import os
import subprocess
from collections.abc import Callable

from bench.measured import Open
from bench.parts import PYTHON
from bench.stage import Stage, Subject

SHARES = (0.5, 0.8, 1.0, 1.2)
CONNECTIONS = 64
LIMIT_RATES = (4_000, 8_000, 12_000, 16_000)
HELD = 0.98  # of the rate asked for


def at(stage: Stage, subject: Subject, rate: float, seconds: float, share: float = 0) -> Open:
    file = stage.folder / f"open-{os.getpid()}.http"
    file.touch(mode=0o600)
    file.write_bytes(subject.request())
    command = [
        PYTHON, "-m", "bench.generator", str(subject.port), str(file), str(rate), str(seconds),
        str(CONNECTIONS),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds + 60, check=False
    )
    file.unlink()
    if done.returncode != 0:
        raise RuntimeError(f"generator: {done.stderr[-500:]}")
    subject.part.forget_log()
    return Open(subject.name, share, rate, **json.loads(done.stdout))


def knees(
    stage: Stage, subject: Subject, knee: float, seconds: float, told: Callable[[str], None]
) -> list[Open]:
    found = []
    for share in SHARES:
        found.append(one := at(stage, subject, knee * share, seconds, share))
        told(shown(one))
    return found


def limit(stage: Stage, upstream: Subject, told: Callable[[str], None]) -> list[Open]:
    """Faster and faster at the upstream itself, until the generator cannot keep up."""
    found = []
    for rate in LIMIT_RATES:
        found.append(one := at(stage, upstream, rate, 2))
        told(shown(one))
        if one.per_second < HELD * rate:
            break
    return found


def shown(one: Open) -> str:
    return (
        f"open loop  {one.subject:<10} {one.share:>4.0%}  {one.rate:>8,.0f} due/s "
        f"{one.per_second:>8,.0f} answered/s  p50 {one.p50:>8.2f} p90 {one.p90:>8.2f} "
        f"p99 {one.p99:>8.2f} ms  failed {one.failed} unanswered {one.unanswered}"
    )
