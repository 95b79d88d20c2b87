"""Hostile and ordinary SQL with what must become of it, and a way to see that nothing changed.

`expect`: refused (before the database), bounded (refused, or cut at a limit), harmless (may run;
nothing comes of it), answered (ordinary analysis: refusing it is a fault).
"""

import json
from dataclasses import dataclass
from pathlib import Path

import asyncpg


@dataclass(frozen=True)
class Attack:
    id: str
    row: str  # of the catalogue of attacks; empty for ordinary SQL
    expect: str
    sql: str


ATTACKS = [Attack(**a) for a in json.loads(Path(__file__).with_name("attacks.json").read_text())]


async def state(admin: asyncpg.Connection) -> tuple[object, ...]:
    """What an attack might have changed."""
    row = await admin.fetchrow(
        "SELECT (SELECT count(*) FROM sales.orders), (SELECT sum(revenue) FROM sales.orders),"
        " (SELECT count(*) FROM sales.regions), (SELECT count(*) FROM pg_class),"
        " (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_proc),"
        " (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),"
        " (SELECT sum(hashtext(rolname || rolconfig::text)) FROM pg_roles)"
    )
    return tuple(row or ())
