"""Everything the command line asked for, collected into one record; what is not had is named.

Without --save a record folder is read and nothing is asked: no connection, no process of others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mcp_playbook.vet import record as records
from mcp_playbook.vet.collect import clone, files, mcp_registry, npm, pypi, remote
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import Record, Source
from mcp_playbook.vet.sealed import take
from mcp_playbook.vet.subject import Subject

# what was learned about one version and says nothing about the next
OF_A_VERSION = ("vulnerabilities", "osv", "tools", "tasks")


@dataclass(frozen=True)
class Wanted:
    subject: Subject
    folder: Path | None = None  # of the record
    live: bool = True
    run: bool = False
    entry: str | None = None
    arguments: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    clone: Path | None = None
    fetched: datetime | None = None
    tools: Sequence[Path] = ()
    tasks: Path | None = None
    attached: Mapping[str, Path] = field(default_factory=dict)
    mcp_registry: str | None = None
    mcp_name: str | None = None


class _Collection:
    """Sources had so far, and why others were not."""

    def __init__(self, wanted: Wanted, base: Record) -> None:
        self.wanted, self.base = wanted, base
        self.subject = wanted.subject
        self.sources = dict(base.sources)
        self.missing = dict(base.missing)

    def keep(self, name: str, source: Source | None) -> None:
        if source is not None:
            self.sources[name] = source
            self.missing.pop(name, None)

    def lack(self, name: str, why: NotHadError) -> None:
        if name not in self.sources:
            self.missing[name] = str(why)

    def index(self) -> None:
        vulnerable = None
        try:
            if self.subject.kind == "npm":
                entry = npm.collect(self.subject)
            else:
                entry, vulnerable = pypi.collect(self.subject)
        except NotHadError as error:
            self.lack("registry", error)
            if version := self.subject.version or self.base.subject.version:
                self.turn_to(version)
            return
        self.turn_to(entry.data["version"])
        self.keep("registry", entry)
        self.keep("vulnerabilities", vulnerable)

    def turn_to(self, version: str) -> None:
        """Audit this version; what was recorded of another says nothing about it."""
        if version != self.base.subject.version:
            for name in OF_A_VERSION:
                self.sources.pop(name, None)
                self.missing.pop(name, None)
        self.subject = self.subject.at(version)

    async def tools(self) -> None:
        wanted = self.wanted
        try:
            if self.subject.kind == "remote":
                self.keep("tools", await remote.collect(self.subject.name))
            elif wanted.run and self.subject.kind in {"npm", "pypi"}:
                taken = await take.collect(
                    self.subject, entry=wanted.entry, arguments=wanted.arguments, env=wanted.env
                )
                self.keep("tools", taken)
        except NotHadError as error:
            self.lack("tools", error)

    def mcp_name(self) -> str | None:
        entry = self.sources.get("registry")
        return self.wanted.mcp_name or (entry.data["mcp_name"] if entry else None)

    def listed(self, registry: str) -> None:
        name = self.mcp_name()
        if name is None:
            self.lack("mcp-registry", NotHadError("the package names no entry there (mcpName)"))
            return
        try:
            self.keep("mcp-registry", mcp_registry.collect(registry, name))
        except NotHadError as error:
            self.lack("mcp-registry", error)

    def local(self) -> None:
        """What lies on this machine: clone, definitions, results, recorded answers.

        Raises:
            NotHadError: something that was named is not what it should be.

        """
        wanted = self.wanted
        entry = self.sources.get("registry")
        if wanted.clone is not None:
            path = str(entry.data["directory"]) if entry else ""
            found = clone.collect(wanted.clone, path=path, fetched=wanted.fetched)
            self.keep("clone", found)
        if wanted.tools:
            self.keep("tools", files.definitions(wanted.tools))
        if wanted.tasks is not None:
            self.keep("tasks", files.results(wanted.tasks))
        for name, file in wanted.attached.items():
            self.keep(name, files.attached(name, file, mcp_name=self.mcp_name()))


async def gather(wanted: Wanted) -> Record:
    """Collect what is wanted.

    Raises:
        NoSuchPackageError: the index does not know the name.
        NotHadError: a file or clone that was named cannot be used.
        RecordError: the record folder cannot be read.

    """
    base = Record(wanted.subject)
    if wanted.folder is not None and (not wanted.live or records.is_record(wanted.folder)):
        base = _same(records.read(wanted.folder), wanted)
    found = _Collection(wanted, base)
    if not wanted.live:
        found.subject = base.subject
    if wanted.live:
        if found.subject.kind in {"npm", "pypi"}:
            found.index()
        await found.tools()
        if wanted.mcp_registry:
            found.listed(wanted.mcp_registry)
    found.local()
    return Record(found.subject, found.sources, found.missing)


def _same(base: Record, wanted: Wanted) -> Record:
    """The record, if it is of what was asked for; offline also of that version."""
    one, other = base.subject, wanted.subject
    version = not wanted.live and other.version not in {None, one.version}
    if (one.kind, one.name) != (other.kind, other.name) or version:
        raise records.RecordError(f"the record is of {one.shown}, and {other.shown} was asked for")
    return base


def name_of_clone(folder: Path) -> str:
    """What a clone calls itself, else its folder."""
    try:
        named = sorted(clone.names(folder))
    except (OSError, json.JSONDecodeError):
        named = []
    return named[0] if named else folder.resolve().name
