"""A record in which everything is known and good, and ways to bend one source of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mcp_playbook.vet.record import Record, Source
from mcp_playbook.vet.subject import Subject

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VERSION = "2.4.0"
REPOSITORY = "github.com/someone/ledger-server"


def ago(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def source(data: Any, told: str = "recorded") -> Source:
    return Source(data, told, NOW)


def registry(**changed: Any) -> dict[str, Any]:
    return {
        "name": "ledger-server",
        "version": VERSION,
        "licence": "MIT",
        "repository": f"https://{REPOSITORY}",
        "directory": "",
        "mcp_name": "io.github.someone/ledger-server",
        "deprecated": None,
        "status": "active",
        "dated": True,
        "attested": True,
        "publisher": REPOSITORY,
        "releases": [
            {"version": f"2.{n}.0", "time": ago(400 - 95 * n), "yanked": False} for n in range(5)
        ],
    } | changed


def days(count: int, **changed: Any) -> dict[str, Any]:
    """A clone with commits on so many of the last days."""
    return {
        "origin": REPOSITORY,
        "path": "",
        "days": [
            {"day": ago(n)[:10], "commits": 2, "authors": [1, 2 + n % 2]}
            for n in range(1, count + 1)
        ],
        "shallow_since": None,
        "names": ["ledger-server"],
        "licence": "MIT",
        "security_policy": True,
    } | changed


def lock(server: str = "crm") -> dict[str, Any]:
    """Definitions that keep the contract: those of a server of this repository."""
    found: dict[str, Any] = json.loads((ROOT / f"servers/{server}/tools.lock.json").read_text())
    return {"name": server, "instructions": found["instructions"], "tools": found["tools"]}


def tasks(done: int, of: int, version: str | None = VERSION) -> dict[str, Any]:
    return {
        "version": version,
        "tasks": [{"id": str(n), "completed": n < done} for n in range(of)],
    }


def issues(*waits: float | None, opened: float = 100.0) -> list[dict[str, str | None]]:
    """Issues opened so long ago, each answered after so many days, or not yet."""
    return [
        {
            "opened": ago(opened),
            "answered": None if wait is None else ago(opened - wait),
            "closed": None,
        }
        for wait in waits
    ]


def listed(**changed: Any) -> dict[str, Any]:
    return {
        "name": "io.github.someone/ledger-server",
        "version": VERSION,
        "status": "active",
        "published": ago(20),
        "repository": f"https://{REPOSITORY}",
        "packages": ["ledger-server"],
        "remotes": [],
    } | changed


EVERYTHING: dict[str, Any] = {
    "registry": registry(),
    "clone": days(30),
    "issues": issues(0.5, 0.5, 0.5, 1.0, 1.0, 3.0),
    "tools": {"servers": [lock()]},
    "tasks": tasks(19, 20),
    "osv": {"complete": True, "vulns": []},
    "repository": {"archived": False, "disabled": False, "pushed": ago(1)},
    "mcp-registry": listed(),
    "scorecard": {"checks": [{"name": "Maintained", "score": 0}, {"name": "Fuzzing", "score": 10}]},
}


def good(*without: str, **changed: Any) -> Record:
    """The whole record, less some sources, with others in their place (`mcp_registry=…`)."""
    named = {name.replace("_", "-"): data for name, data in changed.items()}
    found = {n: d for n, d in (EVERYTHING | named).items() if n not in without}
    return Record(
        Subject("pypi", "ledger-server", VERSION), {n: source(d) for n, d in found.items()}
    )


def only(**kept: Any) -> Record:
    names = {name.replace("_", "-") for name in kept}
    return good(*EVERYTHING.keys() - names, **kept)
