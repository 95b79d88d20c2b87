"""Whether one record is what the gateway signed: the audit library's proof, in words."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from mcp_gateway.audit.block import read_header
from mcp_gateway.audit.findings import MEANING
from mcp_gateway.audit.keys import KeyFileError, load_public
from mcp_gateway.audit.lookup import verify_entry
from mcp_gateway.console.reader import LedgerAwayError

SECONDS = 8.0  # a block holds up to 4000 records and all of them are hashed


@dataclass(frozen=True, slots=True)
class Verdict:
    """`sound` None: it could not be asked."""

    sound: bool | None
    what: str
    details: tuple[tuple[str, str], ...] = ()


async def verdict(url: str, public_keys: Path | None, segment: UUID, seq: int) -> Verdict:
    """Held against the public key, which lies outside the database.

    Raises:
        LedgerAwayError: the database does not answer.

    """
    if public_keys is None:
        return Verdict(None, "This console was started without the ledger's public key.")
    try:
        keys = load_public(public_keys)
        async with asyncio.timeout(SECONDS):
            proof = await verify_entry(url, keys, segment, seq)
    except KeyFileError as error:
        return Verdict(None, str(error))
    except TimeoutError as error:
        raise LedgerAwayError(slow=True) from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise LedgerAwayError from error
    if proof.findings:
        first = proof.findings[0]
        return Verdict(False, f"{first.kind}: {MEANING[first.kind]}", (("finding", first.what),))
    return Verdict(True, "This is what the gateway signed.", _details(proof.receipt or {}))


def _details(receipt: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    header = read_header(receipt["head"]["text"])
    return (
        ("block", f"{header.block}, records {header.first_seq} to {header.last_seq}"),
        ("signed", f"{header.signed_at.isoformat(timespec='milliseconds')} with key {header.key}"),
        ("root", header.root.hex()),
        ("path", f"{len(receipt['path'])} hashes from this record to the root"),
    )
