"""Opening one call's arguments: for who holds the payload key, and on the record before it shows.

The record is proved first; then the ciphertext against the record, and the text against the
commitment. A destroyed key is an answer of its own.
"""

import hmac
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag

from mcp_gateway.audit import reader
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.lookup import verify_entry
from mcp_gateway.audit.offline.opening import pieces
from mcp_gateway.audit.offline.reading import record
from mcp_gateway.audit.offline.trust import Trust
from mcp_gateway.audit.offline.verify import verify as verify_export
from mcp_gateway.audit.payload import Kek, ciphertext_hash, open_payload
from mcp_gateway.audit.redaction import place_key

_RECORD = """
    SELECT seg_day, seg, seq, body FROM audit.record
    WHERE rid = $1 AND kind IN ('intent', 'refusal') ORDER BY ts LIMIT 1
"""
_PAYLOAD = """
    SELECT nonce, ct FROM audit.payload WHERE seg_day = $1 AND rid = $2 AND key_id = $3::uuid
"""
# under whichever day: a key may have outlived its own for the sake of exports
_KEY = "SELECT kek, wrapped FROM audit.subject_key WHERE key_id = $1::uuid LIMIT 1"


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


@dataclass(frozen=True, slots=True)
class _Sealed:
    nonce: bytes
    ct: bytes


async def open_arguments(
    reader_url: str, ledger: Ledger, keys: Keys, keks: Mapping[str, Kek], *, rid: str, by: str
) -> Shown:
    """Raises NotOpenedError, or LedgerDown: what cannot be recorded is not shown."""
    async with reader.session(reader_url) as connection:
        row = await connection.fetchrow(_RECORD, rid)
        if row is None:
            raise NotOpenedError(f"no call {rid} with arguments is on the record")
        mark = _mark(rid, orjson.loads(row["body"]))
        found = await connection.fetchrow(_PAYLOAD, row["seg_day"], rid, mark["key"])
    proof = await verify_entry(reader_url, keys, row["seg"], row["seq"])
    if proof.body is None or proof.findings:
        raise NotOpenedError(f"call {rid}: its record is not what was signed; verify the ledger")
    sealed = _Sealed(*found) if found else None
    return await _shown(reader_url, ledger, keks, proof.body, sealed, {"rid": rid, "by": by})


async def open_exported(
    reader_url: str, ledger: Ledger, trust: Trust, keks: Mapping[str, Kek], export: Path,
    *, rid: str, by: str,
) -> Shown:  # fmt: skip
    """From an export with payloads, once it verifies. The person's key is still the ledger's."""
    report, _ = verify_export(str(export), trust, jobs=1)
    if wrong := [finding for finding in report.findings if finding.kind != "OPEN-INTENT"]:
        raise NotOpenedError(f"{export} does not verify: {wrong[0].kind} {wrong[0].what}")
    body, sealed = _exported(export, rid)
    if body is None:
        raise NotOpenedError(f"no call {rid} with arguments is in {export}")
    _mark(rid, body)
    detail = {"rid": rid, "by": by, "export": export.name}
    return await _shown(reader_url, ledger, keks, body, sealed, detail)


def _exported(export: Path, rid: str) -> tuple[dict[str, Any] | None, _Sealed | None]:
    """The record with the arguments of a call, and these."""
    body: dict[str, Any] | None = None
    wanted = rid.encode()
    for line in (line for data in pieces(str(export)) for line in data.split(b"\n")):
        if wanted not in line:
            continue
        if line.startswith(b'{"seq":'):
            cut = record(line)
            said = orjson.loads(b"{}" if isinstance(cut, str) else cut[1])
            if said.get("rid") == rid and said.get("kind") in ("intent", "refusal"):
                body = said
        elif line.startswith(b'{"payload":') and (said := orjson.loads(line))["payload"] == rid:
            return body, _Sealed(b64decode(said["nonce"]), b64decode(said["ct"]))
    return body, None


def _mark(rid: str, body: Mapping[str, Any]) -> dict[str, str]:
    """What a record says of its arguments."""
    mark: dict[str, str] = body.get("payload") or {}
    if "key" not in mark:
        why = mark.get("left_out", "its tool's line in the policy does not say keep: encrypted")
        raise NotOpenedError(f"call {rid} has no encrypted arguments: {why}")
    return mark


async def _shown(
    reader_url: str, ledger: Ledger, keks: Mapping[str, Kek], body: Mapping[str, Any],
    sealed: _Sealed | None, detail: Mapping[str, Any],
) -> Shown:  # fmt: skip
    """Of a proved record: on the record first, then opened, then held against its commitment."""
    rid, mark = detail["rid"], body["payload"]
    if sealed is None or ciphertext_hash(sealed.nonce, sealed.ct) != mark["sha256"]:
        raise NotOpenedError(f"call {rid}: the payload is not the one its record was signed with")
    async with reader.session(reader_url) as connection:
        key = await connection.fetchrow(_KEY, mark["key"])
    said = {**detail, "erased": key is None}
    await ledger.append("event", {"reason": "arguments_opened", "detail": said})
    if key is None:
        raise ErasedError(f"call {rid}: its key was destroyed; the arguments cannot be read")
    try:
        opened = open_payload(keks, key["kek"], key["wrapped"], rid, sealed.nonce, sealed.ct)
    except InvalidTag as error:
        raise NotOpenedError(f"call {rid}: does not open with its key") from error
    committed = hmac.digest(place_key(opened.salt, "$"), opened.plain, "sha256").hex()
    if committed != body.get("args_c"):
        raise NotOpenedError(f"call {rid}: the text is not what its record commits to")
    return Shown(rid, opened.plain, str(body.get("person")))
