"""A record's proof as a page shows it: leaf, each step of the path, root, signed head. Pure."""

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from mcp_gateway.audit import merkle
from mcp_gateway.audit.block import read_header
from mcp_gateway.audit.findings import MEANING
from mcp_gateway.audit.lookup import Proof


@dataclass(frozen=True, slots=True)
class Step:
    """The sibling's hash, on which side it stands, and what the two make."""

    side: str
    sibling: str
    makes: str


@dataclass(frozen=True, slots=True)
class Shown:
    wrong: str = ""
    leaf: str = ""
    steps: tuple[Step, ...] = ()
    root: str = ""
    head: str = ""
    signature: str = ""
    place: str = ""
    file: str = ""


def shown(proof: Proof) -> Shown:
    if proof.receipt is None:
        first = proof.findings[0]
        return Shown(wrong=f"{first.kind}: {MEANING[first.kind]} ({first.what})")
    receipt = proof.receipt
    header = read_header(receipt["head"]["text"])
    index = receipt["seq"] - header.first_seq
    wrong = f"{proof.findings[0].kind}: {proof.findings[0].what}" if proof.findings else ""
    return Shown(
        wrong=wrong,
        leaf=b64decode(receipt["leaf"]).hex(),
        steps=_steps(receipt, index, header.count),
        root=header.root.hex(),
        head=receipt["head"]["text"],
        signature=receipt["head"]["signature"],
        place=f"record {index + 1} of {header.count} in block {header.block}",
        file=as_file(receipt).decode(),
    )


def as_file(receipt: dict[str, Any]) -> bytes:
    return json.dumps(receipt, indent=2).encode() + b"\n"


def _steps(receipt: dict[str, Any], index: int, size: int) -> tuple[Step, ...]:
    """As RFC 9162 walks them."""
    here, last, value = index, size - 1, b64decode(receipt["leaf"])
    steps = []
    for text in receipt["path"]:
        sibling = b64decode(text)
        if here & 1 or here == last:
            value, side = merkle.node_hash(sibling, value), "left"
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            value, side = merkle.node_hash(value, sibling), "right"
        here, last = here >> 1, last >> 1
        steps.append(Step(side, sibling.hex(), value.hex()))
    return tuple(steps)
