"""The verifier against its witness: what a place may hold, and the command that reads it."""

import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from gateway.audit.conftest import Place
from gateway.audit.test_cli import audit

from mcp_gateway.audit.checkpoints import check as checkpoint_check
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.check import Witnessed
from mcp_gateway.audit.checkpoints.directory import Directory
from mcp_gateway.audit.checkpoints.entry import Entry, Leaf
from mcp_gateway.audit.checkpoints.job import Checkpointing
from mcp_gateway.audit.checkpoints.key import Signer
from mcp_gateway.audit.checkpoints.note import NoteError
from mcp_gateway.audit.checkpoints.tree import Tree

NAME = "ledger.example/desk"
DAY = date(2026, 11, 26)


class Keeper:
    """A place that is written by hand."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        checkpoint_key.create(folder)
        self.signer = checkpoint_key.signer(folder, NAME)
        self.folder = folder / "witness"
        self.tree = Tree()

    def write(self, count: int = 1, *, signer: Signer | None = None, head: bytes = b"") -> None:
        leaves = tuple(
            Leaf(DAY, UUID(int=1), self.tree.size + n + 1, sha256(b"%d" % n + head).digest())
            for n in range(count)
        )
        after = self.tree.grown(one.hash() for one in leaves)
        note = (signer or self.signer).note(after.size, after.root())
        entry = Entry(self.tree, leaves, datetime.now(UTC), note)
        Directory(self.folder).put(entry.name, entry.encoded())
        self.tree = after

    def read(self, pin: str | None = None) -> Witnessed:
        return checkpoint_check.read(Directory(self.folder), [self.signer.verifier], pin)

    def said(self, pin: str | None = None) -> list[str]:
        return [f"{one.kind}: {one.what}" for one in self.read(pin).findings]

    def file(self, start: int) -> Path:
        return self.folder / f"00000000/{start:012d}"

    def alter(self, start: int, change: Callable[[bytes], bytes]) -> None:
        file = self.file(start)
        file.chmod(0o600)
        file.write_bytes(change(file.read_bytes()))


@pytest.fixture
def kept(tmp_path: Path) -> Keeper:
    keeper = Keeper(tmp_path)
    for count in (1, 2, 3):
        keeper.write(count)
    return keeper


def test_an_unbroken_line_is_sound_and_goes_on_from_what_was_seen(kept: Keeper) -> None:
    found = kept.read()
    assert (found.findings, found.size, found.entries) == ([], 6, 3)
    kept.write(4)
    assert kept.said(found.note) == []


def test_an_older_state_is_refused_by_who_saw_a_newer_one(kept: Keeper) -> None:
    seen = kept.read().note
    kept.file(3).unlink()
    assert kept.said() == []  # without a memory nothing shows: hence the pin
    assert kept.said(seen) == [
        "CHECKPOINT-ROOT: ends at 3 leaves; the last verification here saw 6"
    ]
    shutil.rmtree(kept.folder)
    assert kept.said(seen) == [
        "CHECKPOINT-ROOT: ends at 0 leaves; the last verification here saw 6"
    ]


def test_another_line_of_the_same_length_is_refused(kept: Keeper) -> None:
    seen = kept.read().note
    shutil.rmtree(kept.folder)
    kept.tree = Tree()
    kept.write(6, head=b"other")
    assert kept.said() == []
    kept.write(1)
    [said] = kept.said(seen)
    assert "at 6 leaves it is not what the last verification here saw" in said


def test_an_entry_taken_from_the_middle_leaves_a_gap(kept: Keeper) -> None:
    kept.file(1).unlink()
    [said] = kept.said()
    assert "begins at leaf 3, the one before ends at 1" in said


def test_a_line_that_forks_is_found_although_every_note_is_genuine(tmp_path: Path) -> None:
    kept = Keeper(tmp_path)
    kept.write(2, head=b"one")
    other = Tree().grown([sha256(b"another").digest()] * 2)
    kept.tree = other
    kept.write(1)
    [said] = kept.said()
    assert "does not continue the checkpoint before it" in said


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data.replace(b" 2 ", b" 7 ", 1), "do not lead to the signed root"),
        (lambda data: data[:-20], "no signatures after an empty line"),
        (lambda data: data[:60], "cut off"),
        (lambda _: b"", "not an entry"),
    ],
)
def test_an_altered_entry_is_found(
    kept: Keeper, change: Callable[[bytes], bytes], said: str
) -> None:
    kept.alter(1, change)
    assert any(said in one for one in kept.said()), kept.said()


def test_a_note_by_another_key_and_an_entry_under_another_name_are_found(kept: Keeper) -> None:
    thief = Keeper(kept.folder.with_name("thief"))
    kept.write(1, signer=thief.signer)
    shutil.copy(kept.file(3), kept.file(20))
    said = kept.said()
    assert "does not match" in said[0] or "not signed" in said[0]
    assert "holds the entry 00000000/000000000003" in said[1]


def test_two_heads_of_one_block_are_a_rewrite(tmp_path: Path) -> None:
    kept = Keeper(tmp_path)
    kept.write(1)
    leaf = Leaf(DAY, UUID(int=1), 1, sha256(b"rewritten").digest())
    after = kept.tree.grown([leaf.hash()])
    note = kept.signer.note(after.size, after.root())
    entry = Entry(kept.tree, (leaf,), datetime.now(UTC), note)
    Directory(kept.folder).put(entry.name, entry.encoded())
    assert [one.kind for one in kept.read().findings] == ["CHECKPOINT-HEAD"]


def test_a_pin_that_nobody_signed_is_not_believed(kept: Keeper) -> None:
    with pytest.raises(NoteError):
        kept.read(str(kept.read().note).replace("\n6\n", "\n5\n"))


async def test_the_command_uses_the_place_and_remembers_what_it_saw(
    place: Place, tmp_path: Path, body: dict[str, Any]
) -> None:
    checkpoint_key.create(tmp_path)
    signer = checkpoint_key.signer(tmp_path, NAME)
    folder = tmp_path / "witness"
    job = Checkpointing(place.reader, lambda: Directory(folder), signer, 3600, [signer.verifier])
    where = {"GATEWAY_CHECKPOINTS": str(folder)}
    code, out = await audit(place, "verify", **where)
    assert (code, "no key to verify checkpoints with" in out) == (2, True)
    checkpoint_key.publish(signer.verifier, tmp_path / checkpoint_key.PUBLIC_NAME)
    async with place.opened() as ledger:
        await ledger.append("event", body)
        await job.once()
        await ledger.append("event", body)
        await job.aclose()
        await ledger.append("event", body)
    code, out = await audit(place, "verify", **where)
    assert code == 0, out
    assert "2 checkpoints with 2 heads" in out
    assert "2 blocks are newer: receipts alone show one cut off" in out
    await place.sql("DELETE FROM audit.record WHERE block > 2", "DELETE FROM audit.block "
                    "WHERE block > 2")  # fmt: skip
    assert (await audit(place, "verify"))[0] == 0  # no place named: nothing to hold it against
    code, out = await audit(place, "verify", "--checkpoints", str(folder), "--json")
    report = orjson.loads(out)
    assert (code, report["findings"][0]["kind"]) == (1, "TRUNCATED")
    assert report["checkpoints"]["written"] == 2
    [*_, newest] = Directory(folder).names()
    (folder / newest).unlink()
    code, out = await audit(place, "verify", **where)
    assert (code, "CHECKPOINT-ROOT" in out, "TRUNCATED" in out) == (1, True, False)
    code, out = await audit(place, "verify", "--pin", str(tmp_path / "elsewhere"), **where)
    assert code == 0, out
    assert (tmp_path / "elsewhere").is_file()
    code, out = await audit(place, "verify", "--checkpoints", "ftp://x")
    assert (code, "expected a directory or s3://bucket/prefix" in out) == (2, True)
