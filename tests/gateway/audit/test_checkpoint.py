"""C2SP signed notes and checkpoints, against a note that another implementation made."""

from base64 import b64decode, b64encode
from datetime import date
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from mcp_gateway.audit.checkpoints.note import Checkpoint, NoteError, leaf, read, sign, text_of

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
NAME = "ledger.example/desk"
POINT = Checkpoint("ledger.example/desk", 42, b"r" * 32)

# the example in the documentation of Go's golang.org/x/mod/sumdb/note
GO_KEY = Ed25519PublicKey.from_public_bytes(
    b64decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")[1:]
)
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_another_implementation_is_read() -> None:
    assert text_of(GO_NOTE, "PeterNeumann", GO_KEY).startswith("If you think cryptography")
    with pytest.raises(NoteError, match="does not match"):
        text_of(GO_NOTE.replace("answer", "Answer"), "PeterNeumann", GO_KEY)


def test_a_checkpoint_reads_back_also_beside_other_signatures() -> None:
    note = sign(POINT.text(), NAME, KEY)
    assert read(note, NAME, KEY.public_key()) == POINT
    witness = sign(POINT.text(), "witness.example", Ed25519PrivateKey.generate())
    both = note + witness.rpartition("\n\n")[2]
    assert read(both, NAME, KEY.public_key()) == POINT


def test_the_text_of_a_checkpoint_has_three_lines() -> None:
    assert POINT.text() == f"ledger.example/desk\n42\n{b64encode(b'r' * 32).decode()}\n"


def altered() -> dict[str, str]:
    note = sign(POINT.text(), NAME, KEY)
    return {
        "another size": note.replace("\n42\n", "\n41\n"),
        "no signature": POINT.text(),
        "an empty signature block": POINT.text() + "\n",
        "another signer's line": note.replace(f"— {NAME}", "— other"),
        "a signature that is not base64": note[:-3] + "*\n",
        "no newline at the end": note[:-1],
        "nothing": "",
        "endless": note + "— x y\n" * 20_000,
        "a size with zeros": sign(POINT.text().replace("42", "042"), NAME, KEY),
        "a size that is no number": sign(POINT.text().replace("42", "4²"), NAME, KEY),
        "an extension line": sign(POINT.text() + "more\n", NAME, KEY),
        "a short root": sign("o\n1\naGk=\n", NAME, KEY),
    }


@pytest.mark.parametrize("note", altered().values(), ids=altered())
def test_an_altered_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        read(note, NAME, KEY.public_key())


@pytest.mark.parametrize(
    ("text", "name"), [("x", NAME), ("a\n\nb\n", NAME), ("x\n", "two words"), ("x\n", "a+b")]
)
def test_what_could_be_read_two_ways_is_not_signed(text: str, name: str) -> None:
    with pytest.raises(NoteError):
        sign(text, name, KEY)


def test_a_leaf_names_the_segment_the_block_and_its_head() -> None:
    leaves = {
        leaf(date(2026, 11, day), UUID(int=segment), block, head)
        for day in (1, 2) for segment in (1, 2) for block in (1, 2) for head in (b"a", b"b")
    }  # fmt: skip
    assert len(leaves) == 16
