"""A receipt: what a caller keeps to prove that its call is on the record. Pure.

Checking one needs the public key and nothing from us: no database, no network, no secret. It shows
that a record with this leaf hash stands at this place of a block the gateway signed; with the
record's body at hand, `leaf_hash(body)` ties the two together.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from mcp_gateway.audit import merkle
from mcp_gateway.audit.block import Block, Header, Keys, read_header

PATH_LIMIT: Final = 40  # a block of a million million records; more is not a receipt


class ReceiptError(ValueError):
    """Not a receipt, or one that proves nothing; the message says which part failed."""


def build(
    block: Block, levels: merkle.Levels, index: int, head: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """`head` is `head_of(block)`, where it is known already: a block has one, and many receipts."""
    header = block.header
    return {
        "segment": str(header.segment),
        "seq": header.first_seq + index,
        "block": header.block,
        "leaf": _base64(levels[0][index]),
        "path": [_base64(step) for step in merkle.path(levels, index)],
        "head": head or head_of(block),
    }


def head_of(block: Block) -> Mapping[str, str]:
    return {
        "text": block.header.encoded().decode(),
        "signature": _base64(block.signature),
    }


def check(receipt: Any, keys: Keys) -> tuple[Header, bytes]:
    """The block header and the leaf hash this receipt proves; ReceiptError otherwise."""
    if not isinstance(receipt, Mapping):
        raise ReceiptError("a receipt is a JSON object")
    head = receipt.get("head")
    if not isinstance(head, Mapping) or not isinstance(head.get("text"), str):
        raise ReceiptError("the receipt has no signed head")
    try:
        header = read_header(head["text"])
    except ValueError as error:
        raise ReceiptError(f"the head is {error}") from error
    seq = receipt.get("seq")
    stated = (receipt.get("segment"), receipt.get("block"))
    if stated != (str(header.segment), header.block) or type(seq) is not int:
        raise ReceiptError("segment, seq and block do not agree with the signed head")
    if header.key not in keys:
        raise ReceiptError(f"signed with key {header.key}, which is not among the trusted keys")
    if not Block(header, _hash(head.get("signature"), 64)).signed_by(keys):
        raise ReceiptError("the signature does not match the head")
    steps = receipt.get("path")
    if not isinstance(steps, list) or len(steps) > PATH_LIMIT:
        raise ReceiptError("the path is not a list of hashes")
    leaf = _hash(receipt.get("leaf"))
    path = [_hash(step) for step in steps]
    if merkle.root_from(leaf, seq - header.first_seq, header.count, path) != header.root:
        raise ReceiptError("the path does not lead to the signed root")
    return header, leaf


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode()


def _hash(value: object, size: int = merkle.HASH_BYTES) -> bytes:
    if not isinstance(value, str):
        raise ReceiptError("a hash or signature is missing")
    try:
        data = b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReceiptError("a hash or signature is not base64") from error
    if len(data) != size:
        raise ReceiptError("a hash or signature has the wrong length")
    return data
