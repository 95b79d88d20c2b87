"""What was collected about one server: a folder of JSON files, each with its source and its time.

A record is read without a connection, so that the same audit can be made again by somebody else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_playbook.vet.subject import KINDS, Subject

# file → what it holds
SOURCES = {
    "registry": "the package index's entry: versions, dates, licence, repository, attestations",
    "vulnerabilities": "what the package client's own audit says",
    "osv": "answer of OSV's /v1/query for the audited version",
    "scorecard": "answer of the OpenSSF Scorecard API for the repository",
    "mcp-registry": "answer of an MCP registry's /v0.1/servers for the server's name",
    "repository": "the forge's entry of the repository: archived or not",
    "issues": "issues of the repository, when opened and when first answered by a maintainer",
    "clone": "git log and files of a clone",
    "tools": "tools/list, or the lock files of the server",
    "tasks": "your own tasks, and whether each was completed",
}
SUBJECT = "subject.json"


class RecordError(Exception):
    """A record that cannot be read; the text names the file and what is wrong with it."""


@dataclass(frozen=True)
class Source:
    data: Any
    source: str
    fetched: datetime


@dataclass(frozen=True)
class Record:
    subject: Subject
    sources: Mapping[str, Source] = field(default_factory=dict)
    # source → why it could not be had
    missing: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> Source | None:
        return self.sources.get(name)

    def why(self, name: str, otherwise: str) -> str:
        """Why a source is not there."""
        return self.missing.get(name, otherwise)

    @property
    def date(self) -> datetime | None:
        """The time of the oldest thing in it: the audit is as old as that."""
        return min((one.fetched for one in self.sources.values()), default=None)


def is_record(folder: Path) -> bool:
    return (folder / SUBJECT).is_file()


def read(folder: Path) -> Record:
    """Read a record folder.

    Raises:
        RecordError: no record there, or a file that is none of one.

    """
    if not is_record(folder):
        raise RecordError(f"{folder} holds no record: {SUBJECT} is missing. Make one with --save.")
    about = _json(folder / SUBJECT)
    if not isinstance(about, dict) or about.get("kind") not in KINDS or not about.get("name"):
        raise RecordError(f"{folder / SUBJECT}: expected kind ({', '.join(KINDS)}) and name.")
    return Record(
        subject=Subject(about["kind"], str(about["name"]), about.get("version")),
        sources={
            name: read_source(folder / f"{name}.json")
            for name in SOURCES
            if (folder / f"{name}.json").is_file()
        },
        missing=dict(about.get("missing") or {}),
    )


def read_source(file: Path) -> Source:
    found = _json(file)
    if not isinstance(found, dict) or not {"source", "fetched", "data"} <= found.keys():
        raise RecordError(f"{file}: expected an object with source, fetched and data.")
    return Source(found["data"], str(found["source"]), moment(found["fetched"], file))


def moment(text: object, file: Path) -> datetime:
    """A time with its zone; one without would be read differently on another machine."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise RecordError(f"{file}: {text!r} is no time with a zone, such as 2026-11-25T08:30:00Z.")
    return at.astimezone(UTC)


def save(record: Record, folder: Path) -> None:
    """Make the folder hold this record: every source it has, and none that it lacks."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in SOURCES.keys() - record.sources.keys():
        (folder / f"{name}.json").unlink(missing_ok=True)
    subject = record.subject
    about = {"kind": subject.kind, "name": subject.name, "version": subject.version}
    _write(folder / SUBJECT, {**about, "missing": dict(sorted(record.missing.items()))})
    for name, one in record.sources.items():
        content = {"source": one.source, "fetched": stamp(one.fetched), "data": one.data}
        _write(folder / f"{name}.json", content)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write(file: Path, content: object) -> None:
    # as ASCII: a character that cannot be seen in a review is written by its number
    file.write_text(json.dumps(content, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{file}: {error}") from error
