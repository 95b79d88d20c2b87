"""Incidents on a stack of their own: which drills there are, and the records of their last runs.

Light to import: a drill's own module is loaded when it is run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

FOLDER = "drills"  # of the evidence folder


@dataclass(frozen=True)
class Drill:
    """One incident with its page. `module` rehearses it; without one it is not built yet."""

    name: str
    title: str
    needs: str = "a stack of its own, shared with other drills"
    module: str = ""
    # what a reader might expect of it and will not find
    missing: str = ""
    # it starts what it needs itself, and cannot run on another drill's stack
    alone: bool = False

    @property
    def page(self) -> str:
        """Its file in playbook/runbooks."""
        return f"{self.name}.md"

    @property
    def state(self) -> Literal["ready", "not yet"]:
        return "ready" if self.module else "not yet"

    def load(self) -> Any:
        """Its module: `Expect`, what has to hold, and `rehearse`."""
        return import_module(f"mcp_playbook.drill.{self.module}")


DRILLS: tuple[Drill, ...] = (
    Drill("issuer-down", "The issuer is gone: who goes on, who cannot", module="issuer_down"),
    Drill("ledger-down", "Postgres is gone: no record, no call", module="ledger_down"),
    Drill(
        "ledger-tampered", "Somebody edited a record in the database", module="ledger_tampered"
    ),
    Drill("valkey-down", "Valkey is gone: what goes on and what stops", module="valkey_down"),
    Drill("server-slow", "A server hangs", module="server_slow"),
    Drill("server-down", "A server's process dies", module="server_down"),
    Drill(
        "gateway-down", "The gateway dies under calls", module="gateway_down",
        missing="a second replica that takes over: this drill's stack has one gateway; "
        "make up REPLICAS=2 and W4-05 show it",
    ),
    Drill("revoke-person", "A person must be stopped now", module="revoke_person"),
    Drill(
        "leaked-token", "Somebody's token was found in a log", module="leaked_token",
        missing="the administration API of a real Keycloak, where sessions are ended by person",
    ),
    Drill(
        "rotate-keys", "Signing keys are replaced, in time or because one was stolen",
        module="rotate_keys",
        missing="one command for all keys; a previous assertion key accepted beside the new one",
    ),
    Drill(
        "rug-pull", "A server's definition changed after its review", module="rug_pull",
        needs="a copy of the repository and a stack of its own", alone=True,
    ),
    Drill(
        "telemetry-down", "The collector is gone", module="telemetry_down",
        needs="a collector that the drill owns, and a stack of its own", alone=True,
    ),
    Drill(
        "restore", "All databases come back from a backup", module="restore",
        needs="two stacks, one after the other", alone=True,
    ),
    Drill(
        "erase-person", "A person asks for erasure", module="erase_person",
        missing="names in signed records: they stay until their day is retired",
    ),
    Drill(
        "disk-nearly-full", "The ledger's disk is nearly full", module="disk_nearly_full",
        needs="a stack of its own that believes in a small disk", alone=True,
    ),
)  # fmt: skip


class Moment(BaseModel):
    """One line of a timeline; seconds since the drill began."""

    model_config = ConfigDict(frozen=True)

    at: float
    kind: Literal["seen", "incident", "recovery"]
    text: str


class Held(BaseModel):
    """One expectation, and what was seen of it."""

    model_config = ConfigDict(frozen=True)

    what: str
    held: bool
    seen: str = ""
    # false where this deployment has nothing to see it on; `seen` then says what is not there
    here: bool = True


class Record(BaseModel):
    """What one run of a drill showed."""

    model_config = ConfigDict(frozen=True)

    name: str
    date: datetime
    commit: str
    passed: bool
    seconds: float
    expectations: tuple[Held, ...]
    timeline: tuple[Moment, ...]
    facts: dict[str, float | int | str]


def records(evidence: Path) -> Sequence[Record]:
    """The last run of each drill, oldest first. A file that cannot be read counts as no run."""
    found = []
    for file in sorted((evidence / FOLDER).glob("*.json")):
        try:
            found.append(Record.model_validate_json(file.read_bytes()))
        except (OSError, ValidationError):
            continue
    return sorted(found, key=lambda record: record.date)
