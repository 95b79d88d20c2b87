"""Subjects in turn, round after round: A B C, A B C. What drifts meanwhile touches all alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from bench import wrk
from bench.machine import load_average
from bench.stage import Stage, Subject

WARM_SECONDS = 1.5


@dataclass(frozen=True)
class Turn:
    """One subject, once."""

    subject: str
    connections: int
    load: wrk.Load
    cpu_seconds: float
    spans: int
    busy: float  # the machine's load average when it ended

    @property
    def cpu_ms(self) -> float:
        return self.cpu_seconds * 1000 / self.load.requests


class WrongAnswersError(RuntimeError):
    """Figures of answers that are wrong are no figures."""


def turn(stage: Stage, subject: Subject, connections: int, seconds: float) -> Turn:
    request = subject.request(stage.issuer)
    wrk.run(subject.port, request, connections, WARM_SECONDS, stage.folder)
    spans, cpu = stage.arrived()["spans"], subject.part.cpu_seconds()
    load = wrk.run(subject.port, request, connections, seconds, stage.folder)
    used = subject.part.cpu_seconds() - cpu
    subject.part.forget_log()
    if load.failed or load.problems:
        told = "; ".join(load.problems[:3])
        raise WrongAnswersError(f"{subject.name}: {load.failed} failed. {told}")
    return Turn(
        subject.name, connections, load, used, stage.arrived()["spans"] - spans, load_average()[0]
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
                told(
                    f"round {number}  {many:>2} connections  {subject.name:<24}"
                    f"{made.cpu_ms:>8.4f} CPU-ms {made.load.per_second:>9,.0f} req/s "
                    f"p50 {made.load.p50:>7.2f} p99 {made.load.p99:>8.2f} ms  load {made.busy:.1f}"
                )
    return turns


def of(turns: Sequence[Turn], subject: str, connections: int) -> list[Turn]:
    return [one for one in turns if one.subject == subject and one.connections == connections]


def added_p50(turns: Sequence[Turn], subject: str, beside: str) -> float:
    """What a call waits more at one connection, in milliseconds."""
    return median(one.load.p50 for one in of(turns, subject, 1)) - median(
        one.load.p50 for one in of(turns, beside, 1)
    )
