"""What every part of a running stack is doing, in one file that any command can read."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Status = Literal[
    "waiting", "preparing", "starting", "healthy", "unwell", "restarting", "prepared", "stopped"
]
READY = ("healthy", "prepared")


@dataclass
class PartState:
    """One line of `make ps`."""

    name: str
    kind: str
    status: Status = "waiting"
    detail: str = ""
    port: int | None = None
    pid: int | None = None
    created: float | None = None  # with the pid: which process, even after the pid was given anew
    since: float = 0.0
    restarts: int = 0
    # set when it failed several times without ever being well; still tried, but not waited for
    trouble: list[str] = field(default_factory=list)


@dataclass
class Board:
    """Written by the supervisor alone, whole, so that a reader never sees half of it."""

    file: Path
    fingerprint: str
    started: float
    parts: dict[str, PartState]
    ready: float | None = None  # when everything was first well

    def save(self) -> None:
        content = asdict(self)
        del content["file"]
        aside = self.file.with_suffix(".new")
        aside.write_text(json.dumps(content, indent=1))
        aside.replace(self.file)


def read_board(file: Path) -> Board | None:
    """The last state written, or None. Whether its supervisor still lives, the lock says."""
    try:
        content: dict[str, Any] = json.loads(file.read_text())
        parts = {name: PartState(**state) for name, state in content.pop("parts").items()}
        return Board(file=file, parts=parts, **content)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
