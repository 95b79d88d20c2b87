"""The tree that grows by its peaks is the tree that is built at once; entries read back or not."""

from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_gateway.audit import keys, merkle
from mcp_gateway.audit.checkpoints import entry as checkpoint_entry
from mcp_gateway.audit.checkpoints import key as checkpoint_key
from mcp_gateway.audit.checkpoints.entry import Entry, EntryError, Leaf
from mcp_gateway.audit.checkpoints.key import Signer
from mcp_gateway.audit.checkpoints.note import NoteError
from mcp_gateway.audit.checkpoints.tree import Tree

LEAVES = [sha256(bytes([n])).digest() for n in range(70)]
DAY, SEGMENT = date(2026, 11, 26), UUID("0f2b9d0e-6f0e-4a8e-9d54-1d7a3a0a4b6f")
SIGNER = Signer("ledger.example/desk", Ed25519PrivateKey.from_private_bytes(b"k" * 32))


@pytest.mark.parametrize("first", [0, 1, 2, 3, 7, 8, 31, 64])
def test_a_tree_that_grew_has_the_root_of_the_whole(first: int) -> None:
    tree = Tree().grown(LEAVES[:first])
    for size in range(max(first, 1), len(LEAVES)):
        grown = Tree(tree.size, tree.peaks).grown(LEAVES[first:size])
        assert grown.size == size
        assert grown.root() == merkle.root(LEAVES[:size])


def test_peaks_that_are_not_a_trees_are_refused() -> None:
    for size, peaks in ((1, []), (3, [b"p" * 32]), (1, [b"short"]), (-1, [])):
        with pytest.raises(ValueError, match="peaks"):
            Tree(size, peaks)
    with pytest.raises(ValueError, match="at least one"):
        Tree().root()


def entry(size: int = 5, more: int = 2) -> Entry:
    before = Tree().grown(LEAVES[:size])
    leaves = tuple(Leaf(DAY, SEGMENT, n + 1, LEAVES[n]) for n in range(more))
    after = before.grown(one.hash() for one in leaves)
    note = SIGNER.note(after.size, after.root())
    return Entry(before, leaves, datetime(2026, 11, 26, 4, 5, 6, 789, UTC), note)


@pytest.mark.parametrize("size", [0, 1, 5, 64])
def test_an_entry_reads_back(size: int) -> None:
    one = entry(size)
    read = checkpoint_entry.read(one.encoded())
    assert (read.leaves, read.written, read.note) == (one.leaves, one.written, one.note)
    assert read.after().root() == one.after().root()
    assert read.name == f"00000000/{size:012d}"
    assert checkpoint_entry.is_name(read.name)


def altered() -> dict[str, bytes]:
    text = entry().encoded().decode()
    changed = {
        "cut off": text[:40],
        "another title": text.replace("v1", "v2"),
        "another size": text.replace("from 5", "from 7"),
        "a size with zeros": text.replace("from 5", "from 05"),
        "no date": text.replace("written 2026", "written 20x6"),
        "a peak too few": text.replace(text[text.index("peak") : text.index("leaf")], ""),
        "a leaf that is none": text.replace("leaf 2026", "leaf 20x6"),
        "a head that is short": text.replace(text.split("\n")[5].split(" ")[4], "aGk="),
        "nothing": "",
    }
    return {name: one.encode() for name, one in changed.items()} | {
        "not text": b"\xff\n\n",
        "endless": text.encode() + b"x" * checkpoint_entry.LIMIT_BYTES,
    }


@pytest.mark.parametrize("data", altered().values(), ids=altered())
def test_an_altered_entry_is_refused(data: bytes) -> None:
    with pytest.raises(EntryError):
        checkpoint_entry.read(data)


def test_a_published_key_reads_back_and_an_altered_one_does_not(tmp_path: Path) -> None:
    file = tmp_path / checkpoint_key.PUBLIC_NAME
    for _ in range(2):
        checkpoint_key.publish(SIGNER.verifier, file)
    assert checkpoint_key.verifiers(file) == [SIGNER.verifier]
    text = file.read_text()
    for wrong in (text.replace("desk", "disk"), text[:-5], "x\n", "", text.replace("+", "-")):
        file.write_text(wrong)
        with pytest.raises(keys.KeyFileError):
            checkpoint_key.verifiers(file)
    with pytest.raises(keys.KeyFileError, match="no key to verify checkpoints"):
        checkpoint_key.verifiers(tmp_path / "none")


def test_a_key_keeps_the_name_it_was_published_with(tmp_path: Path) -> None:
    assert checkpoint_key.create(tmp_path)
    assert not checkpoint_key.create(tmp_path)
    first = checkpoint_key.signer(tmp_path, "one.example")
    checkpoint_key.publish(first.verifier, tmp_path / checkpoint_key.PUBLIC_NAME)
    assert checkpoint_key.signer(tmp_path, "two.example").name == "one.example"


def test_a_note_of_nobody_we_trust_is_refused() -> None:
    other = Signer("other.example", Ed25519PrivateKey.generate())
    thief = Signer(SIGNER.name, other.key)
    for note in (other.note(1, LEAVES[0]), thief.note(1, LEAVES[0]), ""):
        with pytest.raises(NoteError):
            checkpoint_key.read(note, [SIGNER.verifier])
    assert checkpoint_key.read(SIGNER.note(1, LEAVES[0]), [SIGNER.verifier]).size == 1
