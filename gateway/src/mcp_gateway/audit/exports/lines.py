"""The lines of an export. Pure: rows in, bytes out.

A record's body stands in its line as the very bytes that were signed. What is not JSON on one line
(only a ledger that was tampered with holds such a thing) stands there as base64.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson

from mcp_gateway.audit.block import instant

PLAIN, WITH_PAYLOADS = 1, 2  # versions: whoever reads only the first refuses the second


def line(value: Mapping[str, Any]) -> bytes:
    return orjson.dumps(value) + b"\n"


def first(since: date, until: date, made: datetime, *, payloads: bool) -> bytes:
    return line(
        {
            "ledger_export": WITH_PAYLOADS if payloads else PLAIN,
            "since": since.isoformat(),
            "until": until.isoformat(),
            "made": made.isoformat(),
        }
    )


def key(name: str, raw: bytes) -> bytes:
    """For information: who verifies brings keys along and trusts none that came in the file."""
    return line({"key": name, "ed25519": b64encode(raw).decode()})


def checkpoint(name: str, data: bytes) -> bytes:
    return line({"checkpoint": name, "base64": b64encode(data).decode()})


def statement(text: str, signature: bytes) -> bytes:
    """A tombstone, or a restore: what is gone on purpose."""
    return line({"statement": text, "base64": b64encode(signature).decode()})


def segment(row: Mapping[str, Any]) -> bytes:
    return line(
        {
            "segment": str(row["seg"]),
            "day": row["seg_day"].isoformat(),
            "replica": row["replica"],
            "opened": row["opened"].isoformat() if row["opened"] else None,
            "login": row["login"],
            "client": str(row["client"]) if row["client"] else None,
        }
    )


def block(row: Mapping[str, Any]) -> bytes:
    return line(
        {
            "block": row["block"],
            "first": row["first_seq"],
            "count": row["count"],
            "prev": row["prev"].hex(),
            "root": row["root"].hex(),
            "signed": instant(row["signed_at"]),
            "key": row["key"],
            "signature": b64encode(row["signature"]).decode(),
            "stored": row["db_ts"].isoformat(),
        }
    )


def record(row: Sequence[Any]) -> bytes:
    """A row of sequence number and body."""
    seq, body = row
    if body[:1] == b"{" and body[-1:] == b"}" and b"\n" not in body and body.isascii():
        return b'{"seq":%d,"body":%b}\n' % (seq, body)
    return _careful(seq, body)


def _careful(seq: int, body: bytes) -> bytes:
    try:
        body.decode()
        whole = b"\n" not in body and isinstance(orjson.loads(body), dict)
    except ValueError:
        whole = False
    if whole:
        return b'{"seq":%d,"body":%b}\n' % (seq, body)
    return b'{"seq":%d,"body64":"%b"}\n' % (seq, b64encode(body))


def payload(row: Sequence[Any]) -> bytes:
    """A row of sequence number, call, key, nonce and ciphertext: what the key opens, no key."""
    _, rid, key_id, nonce, ct = row
    said = {"payload": rid, "key": str(key_id)}
    return line(said | {"nonce": b64encode(nonce).decode(), "ct": b64encode(ct).decode()})


def last(segments: int, blocks: int, records: int, digest: str) -> bytes:
    counts = {"segments": segments, "blocks": blocks, "records": records}
    return line({"end": counts, "sha256": digest})
