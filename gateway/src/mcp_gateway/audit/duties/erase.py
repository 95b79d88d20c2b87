"""Erasing a person: the keys of their payloads are destroyed, and every proof still holds.

What goes is content: arguments kept encrypted. What stays, until its day is retired, is who called
what and when: names stand in signed bodies, and a signed body cannot change. An erasure is also
written into the keyring's folder, so that restoring an old backup does not bring the keys back.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson

from mcp_gateway.audit import reader
from mcp_gateway.audit.block import Keys
from mcp_gateway.audit.duties.two_names import approve
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.payload import Kek

ERASED_NAME: Final = "erased.jsonl"

_SUBJECTS = """
    SELECT DISTINCT ON (subject) subject, body FROM audit.record
    WHERE CASE WHEN $2 THEN subject = $1 ELSE person = $1 END AND subject IS NOT NULL
    ORDER BY subject, ts DESC
"""
_KEPT = """
    SELECT count(*) AS records, min(seg_day) AS first, max(seg_day) AS last
    FROM audit.record WHERE subject = $1
"""
_KEYS = """
    SELECT count(DISTINCT key_id) AS keys,
        (SELECT count(*) FROM audit.payload p
         WHERE p.key_id IN (SELECT key_id FROM audit.subject_key WHERE subject = ANY($1)))
        AS payloads
    FROM audit.subject_key WHERE subject = ANY($1)
"""


class NobodyError(Exception):
    """No such person on the record, or more than one."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person on the record: what would go, and what would stay."""

    name: str
    issuer: str
    subject: str
    pseudonyms: tuple[bytes, ...]
    keys: int
    payloads: int
    records: int
    first: date
    last: date

    def scope(self) -> dict[str, Any]:
        """What a proposal names: no name that is not in the ledger already."""
        return {"subjects": [one.hex() for one in self.pseudonyms]}


async def find(reader_url: str, keks: Mapping[str, Kek], name: str, *, by_subject: bool) -> Person:
    """Who is meant, by user name or by the issuer's subject.

    Raises:
        NobodyError: nobody, or several; a subject is always one.

    """
    async with reader.session(reader_url) as connection:
        rows = await connection.fetch(_SUBJECTS, name, by_subject)
        if not rows:
            raise NobodyError(f"nobody called {name!r} is on the record")
        if len(rows) > 1:
            subjects = ", ".join(row["subject"] for row in rows)
            raise NobodyError(f"{name!r} was several accounts; give one --subject: {subjects}")
        body = orjson.loads(rows[0]["body"])
        issuer, subject = str(body.get("iss")), str(body.get("sub"))
        names = tuple(kek.pseudonym(issuer, subject) for kek in keks.values())
        kept = await connection.fetchrow(_KEPT, rows[0]["subject"])
        held = await connection.fetchrow(_KEYS, list(names))
    assert kept is not None  # noqa: S101  an aggregate has a row
    assert held is not None  # noqa: S101  an aggregate has a row
    return Person(
        str(body.get("person")), issuer, subject, names, held["keys"], held["payloads"],
        kept["records"], kept["first"], kept["last"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where an erasure happens: the ledger, its reader, its administrator, the keyring."""

    ledger: Ledger
    reader_url: str
    admin_url: str
    keyring: Path
    trusted: Keys


async def erase(place: Place, person: Person, *, proposal: str, by: str) -> int:
    """Destroy the person's keys, once a second name is on the record; how many there were.

    Raises:
        NotApprovedError: the second name is missing; nothing has changed.
        LedgerDown: it could not be recorded. Erasing again is harmless.

    """
    await approve(
        place.ledger, place.reader_url, place.trusted, "erase", person.scope(),
        proposal=proposal, by=by,
    )  # fmt: skip
    # before the database: what is interrupted here is erased by the next restore at the latest
    now = datetime.now(UTC)
    note(place.keyring, person.pseudonyms, now)
    gone = await destroy(place.admin_url, [(one, now) for one in person.pseudonyms])
    detail = {**person.scope(), "proposal": proposal, "keys": gone, "by": by}
    await place.ledger.append("event", {"reason": "person_erased", "detail": detail})
    return gone


async def destroy(admin_url: str, erased: Sequence[tuple[bytes, datetime]]) -> int:
    """As `audit_maint`, by pseudonym; then a vacuum, so that no dead row keeps a key."""
    connection = await asyncpg.connect(admin_url)
    try:
        gone = 0
        async with connection.transaction():
            await connection.execute("SET LOCAL ROLE audit_maint")
            for subject, until in erased:
                gone += await connection.fetchval("SELECT audit.erase($1, $2)", subject, until)
        await connection.execute("VACUUM audit.subject_key")
    finally:
        await connection.close()
    return gone


def note(keyring: Path, subjects: Sequence[bytes], at: datetime) -> None:
    """Remember outside the database what was erased: pseudonyms, no names."""
    path = keyring / ERASED_NAME
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "wb") as file:
        for subject in subjects:
            line = {"subject": subject.hex(), "at": at.isoformat()}
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())


def noted(keyring: Path) -> list[tuple[bytes, datetime]]:
    """Every erasure that a restored database has to be given again."""
    path = keyring / ERASED_NAME
    if not path.exists():
        return []
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines() if line]
    return [(bytes.fromhex(one["subject"]), datetime.fromisoformat(one["at"])) for one in lines]
