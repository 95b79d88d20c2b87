"""What a verifier knows from the checkpoints: which heads the ledger must still have.

Believes the notes' keys and what it saw itself the last time (`pin`), not the place: somebody who
can write there could put an older state back.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from uuid import UUID

from mcp_gateway.audit.checkpoints import entry as checkpoint_entry
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.entry import Entry, EntryError
from mcp_gateway.audit.checkpoints.key import Verifier
from mcp_gateway.audit.checkpoints.note import Checkpoint, NoteError
from mcp_gateway.audit.checkpoints.place import Place
from mcp_gateway.audit.checkpoints.tree import Tree
from mcp_gateway.audit.findings import Finding

Heads = dict[tuple[date, UUID], dict[int, bytes]]

PIN_NAME = "checkpoint.seen"


@dataclass(slots=True)
class Witnessed:
    """Heads by segment and block, as they were written down outside the database."""

    heads: Heads = field(default_factory=dict)
    grown: dict[tuple[date, UUID], datetime] = field(default_factory=dict)  # by the newest of them
    findings: list[Finding] = field(default_factory=list)
    size: int = 0
    entries: int = 0
    last: datetime | None = None
    note: str | None = None  # the newest, to be pinned

    def of(self, day: date, segment: UUID) -> dict[int, bytes]:
        return self.heads.get((day, segment), {})

    def missing(self, there: set[tuple[date, UUID]], since: date) -> list[Finding]:
        """Segments that a checkpoint has seen and the ledger no longer has."""
        return [
            Finding(
                "SEGMENT-MISSING", f"a checkpoint has seen its block {max(blocks)}", day, segment
            )
            for (day, segment), blocks in sorted(self.heads.items(), key=str)
            if day >= since and (day, segment) not in there
        ]


def read(place: Place, trusted: list[Verifier], pin: str | None = None) -> Witnessed:
    """Everything the place holds. `pin` is the note that this verifier saw last."""
    found = Witnessed()
    pinned = checkpoint_key.read(pin, trusted) if pin else None
    _Reading(found, trusted, pinned).all(place)
    return found


class _Reading:
    def __init__(
        self, found: Witnessed, trusted: list[Verifier], pinned: Checkpoint | None
    ) -> None:
        self._found = found
        self._trusted = trusted
        self._pinned = pinned
        self._tree = Tree()
        self._confirmed = pinned is None

    def all(self, place: Place) -> None:
        for name in place.names():
            try:
                entry = checkpoint_entry.read(place.get(name))
                note = checkpoint_key.read(entry.note, self._trusted)
            except (EntryError, NoteError) as error:
                self._add(f"{name}: {error}")
                continue
            if entry.name != name:
                self._add(f"{name}: holds the entry {entry.name}")
                continue
            self._entry(name, entry, note)
        for what in place.disturbed():
            self._add(what)
        if not self._confirmed and self._pinned is not None:
            self._add(
                f"ends at {self._tree.size} leaves; the last verification here saw "
                f"{self._pinned.size}"
                if self._tree.size < self._pinned.size
                else f"at {self._pinned.size} leaves it is not what the last verification here saw"
            )

    def _entry(self, name: str, entry: Entry, note: Checkpoint) -> None:
        before, after, found = entry.before, entry.after(), self._found
        if (note.size, note.root) != (after.size, after.root()):
            self._add(f"{name}: its leaves do not lead to the signed root")
            return
        if before.size != self._tree.size:
            self._add(f"{name}: begins at leaf {before.size}, the one before ends at "
                      f"{self._tree.size}")  # fmt: skip
        elif before.peaks != self._tree.peaks:
            self._add(f"{name}: does not continue the checkpoint before it")
        self._tree = after
        if self._pinned is not None and note == self._pinned:
            self._confirmed = True
        for leaf in entry.leaves:
            known = found.heads.setdefault((leaf.day, leaf.segment), {})
            found.grown[leaf.day, leaf.segment] = entry.written
            if known.setdefault(leaf.block, leaf.head) != leaf.head:
                self._found.findings.append(
                    Finding("CHECKPOINT-HEAD", f"{name}: another head than an earlier checkpoint "
                            "has", leaf.day, leaf.segment, leaf.block)
                )  # fmt: skip
        found.size, found.last, found.note = after.size, entry.written, entry.note
        found.entries += 1

    def _add(self, what: str) -> None:
        self._found.findings.append(Finding("CHECKPOINT-ROOT", what))


def pinned(path: Path) -> str | None:
    return path.read_text("utf-8") if path.is_file() else None


def pin(path: Path, note: str) -> None:
    """Remember this checkpoint; the next verification refuses an older one."""
    aside = path.with_name(f".{path.name}")
    aside.write_text(note, "utf-8")
    aside.replace(path)
