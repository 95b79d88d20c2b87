"""One server's change as it would be approved: what it is, its number, and how it is recorded."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mcp_gateway.audit import keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.configuration import settings
from mcp_gateway.configuration.settings import Settings
from mcp_gateway.switches.change import REPLICA
from mcp_playbook.diff import live
from mcp_playbook.diff.change import Change, Weight
from mcp_playbook.diff.definitions import compare
from mcp_playbook.diff.sources import pinned
from mcp_playbook.lint import lint
from mcp_playbook.lint.sources import LOCK, SourceError, of_folder
from mcp_shared.contract import definition_hash

EVENT = "definitions_approved"
MOST_LINES, MAX_LINE = 50, 300  # of a change on the record

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Approval:
    server: str
    folders: Mapping[str, Path]  # of all listed servers
    before: Document
    after: Document

    @cached_property
    def changes(self) -> Sequence[Change]:
        return compare(self.before, self.after)

    @cached_property
    def number(self) -> str:
        """Of exactly this change."""
        return _hash({"before": self.before, "after": self.after})[:12]

    @cached_property
    def unsafe(self) -> Sequence[str]:
        """What no model should read, and nobody can approve."""
        others = {
            name: of_folder(folder).tools
            for name, folder in self.folders.items()
            if name != self.server
        }
        tools = list(self.after["tools"])
        report = lint(tools, name=self.server, neighbours=others, about=self.after)
        return [f"{one.tool}: {one.what}" for one in report.of({"D9"})]

    def detail(self, by: str, why: str) -> dict[str, Any]:
        told = [f"{one.weight}: {one.subject}: {one.line()}" for one in self.changes]
        return {
            "server": self.server,
            "old": _hash(self.before),
            "new": _hash(self.after),
            "by": by,
            "why": why,
            "breaking": sum(one.weight is Weight.BREAKING for one in self.changes),
            "changed": [line[:MAX_LINE] for line in told[:MOST_LINES]],
            "more": max(0, len(told) - MOST_LINES),
        }

    def write(self) -> None:
        """Whole or not at all: the gateway reads it as soon as it is there."""
        file = self.folders[self.server] / LOCK
        aside = file.with_suffix(".new")
        text = json.dumps(self.after, indent=2, ensure_ascii=False)
        aside.write_text(f"{text}\n", "utf-8")
        aside.replace(file)


async def of(server: str, made: Settings) -> Approval:
    """What runs now, beside what is pinned.

    Raises:
        SourceError: no such server, no lock, or nobody answers.
        ConfigError: gateway.yaml is none.

    """
    listed = settings.servers(settings.load(made.config, made), made.config)
    folders = {one.name: one.folder for one in listed}
    if server not in folders:
        raise SourceError(f"gateway.yaml lists no {server!r}, but {', '.join(folders)}")
    before = pinned(folders[server])
    return Approval(server, folders, before, _repinned(before, await live.served(made, server)))


async def record(made: Settings, detail: Document, *, insist_on_durability: bool) -> None:
    """Raises LedgerDown, OSError or KeyFileError: it is not on the record."""
    key = made.keys / keys.PRIVATE_NAME
    ledger = await Ledger.open(
        made.ledger_url, key, REPLICA, insist_on_durability=insist_on_durability
    )
    try:
        await ledger.append("event", {"reason": EVENT, "detail": dict(detail)})
    finally:
        await ledger.aclose()


def _repinned(before: Document, served: Document) -> Document:
    """The lock with what is served now; what a list does not say stays as it was."""
    now = {
        key: [
            {**{k: v for k, v in one.items() if k != "hash"}, "hash": definition_hash(one)}
            for one in served[key]
        ]
        for key in served
    }
    return {**before, **now}


def _hash(document: Document) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
