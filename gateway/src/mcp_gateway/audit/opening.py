"""Opening one call's arguments: for who holds the payload key, and on the record before it shows.

The record is proved first; then the ciphertext against the record, and the text against the
commitment. A destroyed key is an answer of its own.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
from cryptography.exceptions import InvalidTag

from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.lookup import verify_entry
from mcp_gateway.audit.payload import Kek, ciphertext_hash, open_payload
from mcp_gateway.audit.redaction import place_key

_RECORD = """
    SELECT seg_day, seg, seq, body FROM audit.record
    WHERE rid = $1 AND kind IN ('intent', 'refusal') ORDER BY ts LIMIT 1
"""
_PAYLOAD = """
    SELECT p.nonce, p.ct, k.kek, k.wrapped
    FROM audit.payload p LEFT JOIN audit.subject_key k USING (seg_day, key_id)
    WHERE p.seg_day = $1 AND p.rid = $2 AND p.key_id = $3::uuid
"""


class NotOpenedError(Exception):
    """Nothing can be shown; the message says why."""


class ErasedError(NotOpenedError):
    """The key was destroyed: somebody asked for erasure."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Arguments as they were sent, proved against the signed record."""

    rid: str
    arguments: bytes
    person: str


async def open_arguments(
    reader_url: str, ledger: Ledger, keys: Keys, keks: Mapping[str, Kek], *, rid: str, by: str
) -> Shown:
    """Raises NotOpenedError, or LedgerDown: what cannot be recorded is not shown."""
    connection = await asyncpg.connect(reader_url)
    try:
        row = await connection.fetchrow(_RECORD, rid)
        if row is None:
            raise NotOpenedError(f"no call {rid} with arguments is on the record")
        mark = orjson.loads(row["body"]).get("payload") or {}
        if "key" not in mark:
            why = mark.get("left_out", "its tool's line in the policy does not say keep: encrypted")
            raise NotOpenedError(f"call {rid} has no encrypted arguments: {why}")
        sealed = await connection.fetchrow(_PAYLOAD, row["seg_day"], rid, mark["key"])
    finally:
        await connection.close()
    proof = await verify_entry(reader_url, keys, row["seg"], row["seq"])
    if proof.body is None or proof.findings:
        raise NotOpenedError(f"call {rid}: its record is not what was signed; verify the ledger")
    if sealed is None or ciphertext_hash(sealed["nonce"], sealed["ct"]) != mark["sha256"]:
        raise NotOpenedError(f"call {rid}: the payload is not the one its record was signed with")
    person = str(proof.body.get("person"))
    detail: dict[str, Any] = {"rid": rid, "by": by, "erased": sealed["wrapped"] is None}
    await ledger.append("event", {"reason": "arguments_opened", "detail": detail})
    if sealed["wrapped"] is None:
        raise ErasedError(f"call {rid}: its key was destroyed; the arguments cannot be read")
    try:
        opened = open_payload(
            keks, sealed["kek"], sealed["wrapped"], rid, sealed["nonce"], sealed["ct"]
        )
    except InvalidTag as error:
        raise NotOpenedError(f"call {rid}: does not open with its key") from error
    said = hmac.digest(place_key(opened.salt, "$"), opened.plain, "sha256").hex()
    if said != proof.body.get("args_c"):
        raise NotOpenedError(f"call {rid}: the text is not what its record commits to")
    return Shown(rid, opened.plain, person)
