"""`python -m sandbox_crm.seed --scale 0.1`: the CRM of a company whose customers the warehouse has.

Every customer of the warehouse becomes a company. Contacts, deals and notes are made for the
accounts with the largest balances only: a sales team works its large accounts, and the seed stays
quick. The same scale gives the same people and amounts; dates count from the day of loading.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import asyncpg
import orjson
from sqlalchemy.ext.asyncio import create_async_engine

from sandbox_crm.invent import Account, invented
from sandbox_crm.people import OWNERS
from sandbox_crm.settings import driver_url
from sandbox_crm.tables import FIRST_ID, SCHEMA, metadata
from seed_warehouse.customers import Customer, customers

EDITION = 1  # raise when the seed or the tables change: the next run loads anew
FEATURED = 1_500  # accounts with contacts, deals and notes
_OBJECT = ("id", "type", "properties", "created_at", "updated_at", "indexed")
_ASSOCIATION = ("from_type", "from_id", "to_type", "to_id", "type_id")
_OWNER = ("id", "email", "first_name", "last_name", "team", "created_at")


async def seed(admin_url: str, login_url: str, scale: float) -> str:
    """Load the schema and the data unless they are there; says in one line what it did."""
    what = f"edition {EDITION}, scale {scale:g}"
    db = await asyncpg.connect(admin_url)
    try:
        # one seed at a time; the lock ends with the connection
        await db.execute("SELECT pg_advisory_lock(hashtext('sandbox_crm.seed'))")
        await _role(db, login_url)
        if await _loaded(db) == what:
            await _grant(db, login_url)
            return f"The CRM sandbox is loaded already ({what})."
        counts = await load(db, admin_url, await asyncio.to_thread(customers, scale))
        await db.execute("INSERT INTO crm.seeded VALUES ($1, now())", what)
        await _grant(db, login_url)
    finally:
        await db.close()
    return "Loaded the CRM sandbox: " + ", ".join(f"{n:,} {kind}" for kind, n in counts.items())


async def _loaded(db: asyncpg.Connection) -> str | None:
    if await db.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.seeded") is None:
        return None
    found: str | None = await db.fetchval("SELECT what FROM crm.seeded")
    return found


async def load(
    db: asyncpg.Connection, admin_url: str, accounts: Iterable[Customer]
) -> dict[str, int]:
    """A new schema with these accounts in it; what was there before is gone."""
    await db.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    engine = create_async_engine(driver_url(admin_url))
    try:
        async with engine.begin() as making:
            await making.run_sync(metadata.create_all)
    finally:
        await engine.dispose()
    now = datetime.now(UTC)
    ranked = sorted(accounts, key=lambda one: (-one.acctbal, one.custkey))
    world = invented([Account.of(one) for one in ranked], featured=FEATURED, now=now)
    await db.copy_records_to_table(
        "owner",
        schema_name=SCHEMA,
        columns=_OWNER,
        records=[
            (one.id, one.email, one.first_name, one.last_name, one.region.title(), now)
            for one in OWNERS
        ],
    )
    records = []
    for one in world.objects:
        document = orjson.dumps(one.properties).decode()
        records.append((one.id, one.type, document, one.created_at, one.created_at, document))
    await db.copy_records_to_table("object", schema_name=SCHEMA, columns=_OBJECT, records=records)
    await db.copy_records_to_table(
        "association", schema_name=SCHEMA, columns=_ASSOCIATION, records=world.associations
    )
    await db.execute(
        f"SELECT setval('{SCHEMA}.object_id', $1)",
        max((one.id for one in world.objects), default=FIRST_ID) + 1,
    )
    await db.execute(f"ANALYZE {SCHEMA}.object; ANALYZE {SCHEMA}.association")
    counts: dict[str, int] = {}
    for one in world.objects:
        counts[one.type] = counts.get(one.type, 0) + 1
    return counts


async def _role(db: asyncpg.Connection, login_url: str) -> None:
    """The sandbox's own login, with the password it was given."""
    parts = urlsplit(login_url)
    name, password = unquote(parts.username or ""), unquote(parts.password or "")
    known = await db.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name)
    verb = "ALTER" if known else "CREATE"
    statement = await db.fetchval(
        f"SELECT format('{verb} ROLE %I LOGIN PASSWORD %L', $1::text, $2::text)", name, password
    )
    await db.execute(statement)


async def _grant(db: asyncpg.Connection, login_url: str) -> None:
    name = await db.fetchval("SELECT quote_ident($1)", unquote(urlsplit(login_url).username or ""))
    await db.execute(
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {name};"
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {name};"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox_crm.seed")
    parser.add_argument("--scale", type=float, default=0.1, help="the warehouse's scale factor")
    options = parser.parse_args()
    try:
        urls = os.environ["CRM_SANDBOX_ADMIN_URL"], os.environ["CRM_SANDBOX_DATABASE_URL"]
    except KeyError as missing:
        sys.exit(f"{missing.args[0]} is not set: a postgresql:// URL is needed")
    sys.stdout.write(asyncio.run(seed(*urls, options.scale)) + "\n")


if __name__ == "__main__":
    main()
