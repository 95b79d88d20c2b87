"""Where an upgrade stands, in one file: an interrupted one is gone on with, never begun over it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

Step = Literal["prepared", "moved", "done"]


class StateError(RuntimeError):
    """The file is there and cannot be read."""


@dataclass
class Upgrade:
    """`prepared`: nothing has moved yet. `moved`: the files are the new version's."""

    to: str  # as asked for
    name: str  # the version
    before: str  # commit of the clone
    after: str  # commit of the merge
    running: bool  # whether there was a stack
    step: Step = "prepared"
    backup: str = ""
    standing: Mapping[str, Any] = field(default_factory=dict)
    policy_before: str = ""
    policy_after: str = ""
    rights: list[str] = field(default_factory=list)
    migrations: list[str] = field(default_factory=list)


def folder(run: Path) -> Path:
    return run / "upgrade"


def tree(run: Path) -> Path:
    """Where the merge is made."""
    return folder(run) / "tree"


def read(run: Path) -> Upgrade | None:
    file = folder(run) / "state.json"
    try:
        return Upgrade(**json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise StateError(f"{file} cannot be read ({error}); see playbook/upgrade.md") from error


def write(run: Path, upgrade: Upgrade) -> None:
    folder(run).mkdir(parents=True, exist_ok=True)
    file = folder(run) / "state.json"
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps(asdict(upgrade), indent=1) + "\n", "utf-8")
    aside.replace(file)


def forget(run: Path) -> None:
    (folder(run) / "state.json").unlink(missing_ok=True)


def finish(run: Path, upgrade: Upgrade) -> Path:
    """Keep it as the report of an upgrade that is done."""
    upgrade.step = "done"
    write(run, upgrade)
    report = folder(run) / f"{upgrade.after[:10]}.json"
    (folder(run) / "state.json").replace(report)
    return report
