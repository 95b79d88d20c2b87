"""The receipt that came with an export: the ledger's own record of its making, and its digest."""

import base64
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from mcp_gateway.audit.offline import heads
from mcp_gateway.audit.offline.report import Report
from mcp_gateway.audit.offline.trust import Trust, UnusableError

SUFFIX = ".proof.json"
MADE = ("ledger_exported", "day_retired")  # what such a record is of
PATH_LIMIT = 40


def beside(name: str) -> Path | None:
    path = Path(name + SUFFIX)
    return path if name != "-" and path.exists() else None


def check(path: Path, digest: str, trust: Trust, report: Report) -> None:
    """Find what is wrong with it, or say in the report where the making is recorded."""
    try:
        said = json.loads(path.read_bytes())
        body, receipt = said["body"].encode(), said["receipt"]
        wrong = _wrong(body, receipt, trust)
        record = json.loads(body)
        if wrong is None and (record["kind"], record["reason"] in MADE) != ("event", True):
            wrong = "the record is not of an export"
        detail = record["detail"]
        place = f"record {receipt['seq']} of segment {receipt['segment']}, by {detail['by']}"
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        wrong, detail, place = "is not the proof that an export comes with", {}, ""
    if wrong is None and detail.get("sha256") != digest:
        wrong = "the ledger recorded another export's digest"
    if wrong is not None:
        report.add("PROOF", f"{path.name}: {wrong}")
    else:
        report.recorded = place


def receipt(path: Path, trust: Trust) -> str | None:
    """What is wrong with a caller's receipt; None when its record was signed."""
    try:
        given = json.loads(path.read_bytes())
        return _wrong(None, given, trust)
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        return "is not a receipt"


def _wrong(body: bytes | None, receipt: dict[str, Any], trust: Trust) -> str | None:
    text = receipt["head"]["text"]
    words = dict(line.split(" ", 1) for line in text.splitlines()[1:])
    said: dict[str, Any] = {
        "block": int(words["block"]), "first": int(words["first"]), "count": int(words["count"]),
        "prev": words["prev"], "root": words["root"], "signed": words["signed"],
        "key": words["key"], "signature": receipt["head"]["signature"], "stored": words["signed"],
    }  # fmt: skip
    head = heads.read(said)
    if head.text(words["day"], words["segment"]) != text.encode():
        return "its head is not in the one spelling"
    if not trust.signed(head.key, head.signature, text.encode(), head.signed):
        return "it is not signed by a trusted key"
    stated = (receipt["segment"], receipt["block"])
    other = body is not None and receipt["leaf"] != _leaf(body)
    if other or stated != (words["segment"], head.block):
        return "it is the receipt of another record"
    path = [base64.b64decode(step, validate=True) for step in receipt["path"]]
    leaf = base64.b64decode(receipt["leaf"], validate=True)
    if _root(leaf, receipt["seq"] - head.first, head.count, path) != head.root:
        return "its path does not lead to the signed root"
    return None


def _leaf(body: bytes) -> str:
    return base64.b64encode(sha256(b"\x00" + body).digest()).decode()


def _root(leaf: bytes, index: int, size: int, path: list[bytes]) -> str | None:
    """RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size or len(path) > PATH_LIMIT:
        return None
    here, last, value = index, size - 1, leaf
    for step in path:
        if not last:
            return None
        if here & 1 or here == last:
            value = sha256(b"\x01" + step + value).digest()
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            value = sha256(b"\x01" + value + step).digest()
        here, last = here >> 1, last >> 1
    return None if last else value.hex()
