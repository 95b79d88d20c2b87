"""A receipt proves one record to whoever holds the public key, and nothing that was altered."""

import copy
from base64 import b64encode
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from mcp_gateway.audit import keys, receipt
from mcp_gateway.audit.block import key_id, read_header
from mcp_gateway.audit.segment import Segment

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
TRUSTED = {key_id(KEY.public_key()): KEY.public_key()}
SEGMENT = UUID("0f2b9d0e-6f0e-4a8e-9d54-1d7a3a0a4b6f")
SIGNED = datetime(2026, 11, 23, 4, 5, 6, 789, UTC)


def receipts(count: int = 7) -> list[dict[str, Any]]:
    segment = Segment(SEGMENT, date(2026, 11, 23), 0.0, KEY)
    segment.advance(segment.seal([b"opened"], SIGNED))
    sealed = segment.seal([f"record {i}".encode() for i in range(count)], SIGNED)
    return [receipt.build(sealed.block, sealed.levels, i) for i in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64, 4000])
def test_every_receipt_of_a_block_checks(count: int) -> None:
    given = receipts(count)
    for one in (given[0], given[count // 2], given[-1]):
        header, leaf = receipt.check(one, TRUSTED)
        assert (header.segment, header.count, len(leaf)) == (SEGMENT, count, 32)


def test_the_signed_text_reads_back_and_has_one_spelling() -> None:
    text = receipts()[0]["head"]["text"]
    assert read_header(text).encoded().decode() == text
    for other in (text + "\n", text.replace("block 2", "block 02"), text.upper(), text[:-1], "",
                  text.replace("04:05:06.000789Z", "04:05:06+00:00000"),
                  text.replace("2026-11-23\n", "2026-13-23\n")):  # fmt: skip
        with pytest.raises(ValueError):  # noqa: PT011
            read_header(other)


def altered() -> dict[str, Any]:
    one, other = receipts()[3], receipts()[4]
    flipped = copy.deepcopy(one)
    flipped["head"]["text"] = one["head"]["text"].replace("count 7", "count 8")
    cases: dict[str, Any] = {
        "another place": one | {"seq": one["seq"] + 1},
        "a place before the block": one | {"seq": 1},
        "a place that is no number": one | {"seq": "5"},
        "a place that is true": one | {"seq": True},
        "another block": one | {"block": 3},
        "another segment": one | {"segment": "1" + one["segment"][1:]},
        "another leaf": one | {"leaf": other["leaf"]},
        "another path": one | {"path": other["path"]},
        "a shorter path": one | {"path": one["path"][:-1]},
        "a longer path": one | {"path": [*one["path"], one["leaf"]]},
        "an endless path": one | {"path": [one["leaf"]] * 1000},
        "a path that is no list": one | {"path": one["leaf"]},
        "a step that is no hash": one | {"path": [1, 2, 3]},
        "a leaf that is not base64": one | {"leaf": "§"},
        "a short leaf": one | {"leaf": b64encode(b"x").decode()},
        "a changed head": flipped,
        "another signature": one
        | {"head": one["head"] | {"signature": b64encode(b"s" * 64).decode()}},
        "no signature": one | {"head": {"text": one["head"]["text"]}},
        "no head": one | {"head": None},
        "no receipt": [],
        "nothing": None,
        "an empty object": {},
    }
    return cases


@pytest.mark.parametrize("given", altered().values(), ids=altered())
def test_an_altered_receipt_proves_nothing(given: Any) -> None:
    with pytest.raises(receipt.ReceiptError):
        receipt.check(given, TRUSTED)


def test_a_receipt_of_another_key_proves_nothing() -> None:
    other = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(receipt.ReceiptError, match="not among the trusted"):
        receipt.check(receipts()[0], {key_id(other): other})
    with pytest.raises(receipt.ReceiptError, match="signature"):
        receipt.check(receipts()[0], {key_id(KEY.public_key()): other})


def test_a_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys" / keys.PRIVATE_NAME
    assert keys.create(path)
    made = path.read_bytes()
    assert not keys.create(path)
    assert path.read_bytes() == made
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(keys.KeyFileError, match="chmod 600"):
        keys.load_private(path)


def test_a_replaced_key_keeps_verifying_what_it_signed(tmp_path: Path) -> None:
    path, public = tmp_path / keys.PRIVATE_NAME, tmp_path / keys.PUBLIC_NAME
    keys.create(path)
    path.unlink()
    keys.create(path)
    keys.publish(keys.load_private(path), public)
    assert len(keys.load_public(public)) == 2


def test_without_a_public_file_the_private_key_beside_it_is_the_root(tmp_path: Path) -> None:
    path, public = tmp_path / keys.PRIVATE_NAME, tmp_path / keys.PUBLIC_NAME
    keys.create(path)
    before = keys.load_public(public)
    public.unlink()
    assert keys.load_public(public).keys() == before.keys()


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nxx\n"])
def test_a_file_that_is_no_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path, public = tmp_path / keys.PRIVATE_NAME, tmp_path / keys.PUBLIC_NAME
    path.touch(mode=0o600)
    path.write_bytes(content)
    public.write_bytes(content.replace(b"PRIVATE", b"PUBLIC") + b"-----END PUBLIC KEY-----\n")
    with pytest.raises(keys.KeyFileError, match=keys.PRIVATE_NAME):
        keys.load_private(path)
    with pytest.raises(keys.KeyFileError, match=keys.PUBLIC_NAME):
        keys.load_public(public)


def test_a_missing_key_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(keys.KeyFileError, match="keygen"):
        keys.load_private(tmp_path / keys.PRIVATE_NAME)
    with pytest.raises(keys.KeyFileError, match="never from the database"):
        keys.load_public(tmp_path / keys.PUBLIC_NAME)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    path, public = tmp_path / keys.PRIVATE_NAME, tmp_path / keys.PUBLIC_NAME
    path.touch(mode=0o600)
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        other.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(keys.KeyFileError, match="Ed25519"):
        keys.load_private(path)
    with pytest.raises(keys.KeyFileError, match="Ed25519"):
        keys.load_public(public)
