"""What a check is, and its three answers: clean, findings, or not run with the reason.

A tool that cannot be had is never a pass: it is counted apart.
"""

from collections.abc import Callable
from dataclasses import dataclass

from infra_checks.bench import Bench


@dataclass(frozen=True)
class Ran:
    """A validator's answer: what it looked at, which versions looked, and what it objects to."""

    looked_at: str
    versions: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Check:
    """`proves` is what a clean answer shows, in one line, and no more than that."""

    name: str
    proves: str
    run: Callable[[Bench], Ran]  # raises NotRunError where a tool cannot be had
