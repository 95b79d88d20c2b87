"""What a person hands over as a file: definitions, results of tasks, answers of APIs, reduced.

A file has the answer alone, or `{"source", "fetched", "data"}` around it; without `fetched` the
file's own time stands for it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_playbook.lint.sources import SourceError, of_file
from mcp_playbook.vet.collect import forge, mcp_registry
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import Source, moment


def attached(what: str, file: Path, *, mcp_name: str | None = None) -> Source:
    """An answer of an API, recorded by hand.

    Raises:
        NotHadError: it is not what the name promises.

    """
    content = _json(file)
    told, at = file.name, datetime.fromtimestamp(file.stat().st_mtime, UTC)
    if isinstance(content, dict) and {"source", "fetched", "data"} <= content.keys():
        told, at = str(content["source"]), moment(content["fetched"], file)
        content = content["data"]
    if what == "mcp-registry":
        if not mcp_name:
            raise NotHadError("mcp-registry: which name? the package says none; pass --mcp-name")
        return Source(mcp_registry.reduced(content, mcp_name), told, at)
    try:
        return Source(REDUCED[what](content), told, at)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotHadError(f"{what}: {file.name} has another shape: {error!r}") from error


def _osv(answer: Mapping[str, Any]) -> dict[str, Any]:
    """OSV answers `{}` when it knows nothing against the version."""
    return {
        "complete": "next_page_token" not in answer,
        "vulns": [
            {
                "id": one["id"],
                "withdrawn": one.get("withdrawn"),
                "severity": one.get("severity") or [],
                "database_specific": {
                    "severity": (one.get("database_specific") or {}).get("severity")
                },
                "affected": [
                    {"versions": a.get("versions") or []} for a in one.get("affected", ())
                ],
            }
            for one in answer.get("vulns") or ()
        ],
    }


def _scorecard(answer: Mapping[str, Any]) -> dict[str, Any]:
    checks = [{"name": one["name"], "score": one["score"]} for one in answer["checks"]]
    return {"date": answer.get("date"), "checks": checks}


REDUCED: Mapping[str, Callable[[Any], Any]] = {
    "osv": _osv,
    "scorecard": _scorecard,
    "repository": forge.repository,
    "issues": forge.issues,
}
ATTACHABLE = (*REDUCED, "mcp-registry")


def definitions(files: Sequence[Path]) -> Source:
    """Lock files or answers to tools/list, one server each; as old as the oldest file.

    Raises:
        NotHadError: a file holds no tools.

    """
    servers = []
    for file in files:
        try:
            tools = list(of_file(file))
        except SourceError as error:
            raise NotHadError(f"{file.name}: no list of tools") from error
        about = _json(file)
        about = about if isinstance(about, dict) else {}
        name = about.get("server") or (file.parent.name if file.stem == "tools.lock" else file.stem)
        server = {"name": str(name), "instructions": about.get("instructions"), "tools": tools}
        servers.append(server)
    oldest = min(file.stat().st_mtime for file in files)
    told = "files of definitions: " + ", ".join(f"{file.parent.name}/{file.name}" for file in files)
    return Source({"servers": servers}, told, datetime.fromtimestamp(oldest, UTC))


def results(file: Path) -> Source:
    """Your own tasks and whether each was completed, with the version and the time they ran.

    Raises:
        NotHadError: it is no results file.

    """
    content = _json(file)
    try:
        data = {
            "version": content.get("version"),
            "tasks": [
                {"id": str(task["id"]), "completed": _truth(task["completed"])}
                for task in content["tasks"]
            ],
        }
        ran = moment(content["ran"], file)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotHadError(f"tasks: {file.name} has another shape: {error!r}") from error
    if len({task["id"] for task in data["tasks"]}) < len(data["tasks"]):
        raise NotHadError(f"tasks: {file.name} counts a task twice")
    return Source(data, str(content.get("source") or "own tasks"), ran)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"completed is true or false, not {value!r}")
    return value


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise NotHadError(f"{file.name}: {error}") from error
