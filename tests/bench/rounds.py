"""Subjects in turn, round after round: A B C, A B C. What drifts meanwhile touches all alike."""

import time
from collections.abc import Callable, Sequence

from bench import wrk
from bench.machine import load_average
from bench.measured import Load, Resting, Turn
from bench.parts import Part, cores, pinned
from bench.stage import Stage, Subject

WARM_SECONDS = 1.5
SETTLE_SECONDS = 30.0
IDLE = 0.03  # of a core
LOOK_SECONDS = 0.5
REST_SECONDS = 4.0
MOST_FAILED = 0.005  # of the calls of one turn


class WrongAnswersError(RuntimeError):
    """Figures of answers that are wrong are no figures."""


def insist(name: str, load: Load) -> None:
    """Few failures are counted and told; many make the figures meaningless.

    Raises:
        WrongAnswersError: with what came instead.

    """
    if load.failed > MOST_FAILED * load.requests or load.requests == 0:
        told = "; ".join(load.problems[:3])
        raise WrongAnswersError(f"{name}: {load.failed} of {load.requests} failed. {told}")


def turn(stage: Stage, subject: Subject, connections: int, seconds: float) -> Turn:
    request = subject.request()
    wrk.run(subject.port, request, connections, WARM_SECONDS, stage.folder)
    stick = yardstick()
    spans, cpu = stage.arrived(), subject.part.cpu_seconds()
    load = wrk.run(subject.port, request, connections, seconds, stage.folder)
    used = subject.part.cpu_seconds() - cpu
    subject.part.forget_log()
    insist(subject.name, load)
    arrived = stage.arrived() - spans
    return Turn(subject.name, connections, load, used, arrived, stick, load_average()[0])


def yardstick() -> float:
    """CPU-ms of the same work every time: how fast the subject's core is at this moment."""
    with pinned(cores()[0]):
        begun = time.process_time()
        for _ in range(5):
            sum(one * one for one in range(50_000))
        return (time.process_time() - begun) * 1000


def settled(part: Part) -> None:
    """Return once it has nothing of its own to do any more, such as comparing its servers."""
    deadline = time.monotonic() + SETTLE_SECONDS
    used = part.cpu_seconds()
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        now = part.cpu_seconds()
        if now - used < IDLE * LOOK_SECONDS:
            return
        used = now


def resting(part: Part) -> Resting:
    """What a process takes that nobody asks for anything."""
    settled(part)
    used = part.cpu_seconds()
    time.sleep(REST_SECONDS)
    return Resting(part.memory(), (part.cpu_seconds() - used) / REST_SECONDS)


def shown(turn: Turn, number: int) -> str:
    return (
        f"round {number}  {turn.connections:>2} connections  {turn.subject:<24}"
        f"{turn.cpu_ms:>8.4f} CPU-ms {turn.load.per_second:>9,.0f} calls/s "
        f"p50 {turn.load.p50:>7.2f} p99 {turn.load.p99:>8.2f} ms  "
        f"load {turn.busy:.1f}, yardstick {turn.yardstick:.1f}"
    )


def interleaved(
    stage: Stage,
    subjects: Sequence[Subject],
    connections: Sequence[int],
    rounds: int,
    seconds: float,
    told: Callable[[str], None],
) -> list[Turn]:
    turns = []
    for number in range(1, rounds + 1):
        for many in connections:
            for subject in subjects:
                made = turn(stage, subject, many, seconds)
                turns.append(made)
                told(shown(made, number))
    return turns
