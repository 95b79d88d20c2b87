"""Objects in Postgres: made, merged, archived, read, searched.

Every function works inside the caller's transaction, so a batch lands whole or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, case, collate, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sandbox_crm import search as searching
from sandbox_crm.catalogue import ObjectType
from sandbox_crm.failures import Problem, invalid
from sandbox_crm.question import Search
from sandbox_crm.tables import object_ids, objects, value_of
from sandbox_crm.values import accept, iso


@dataclass(frozen=True, slots=True)
class Stored:
    """One object as it stands, or as the index has it."""

    id: int
    properties: Mapping[str, str]
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None


def _stored(row: RowMapping, properties: str = "properties") -> Stored:
    return Stored(
        row["id"], row[properties], row["created_at"], row["updated_at"], row["archived_at"]
    )


def refusal(problems: Sequence[Problem]) -> Exception:
    return invalid(
        "Property values were not valid: " + "; ".join(p.message for p in problems), *problems
    )


async def read(
    db: AsyncConnection,
    kind: ObjectType,
    keys: Sequence[str],
    *,
    id_property: str | None = None,
    archived: bool = False,
    lock: bool = False,
) -> dict[str, Stored]:
    """The objects found, by the key they were asked for."""
    wanted: Any
    if id_property in {None, "hs_object_id"}:
        numbers = {key: int(key) for key in keys if key.isascii() and key.isdigit()}
        wanted = objects.c.id.in_([n for n in numbers.values() if n < 2**63])
    else:
        prop = kind.properties.get(id_property or "")
        if prop is None or not prop.unique:
            raise invalid(f"{id_property} is not a unique property of {kind.name}")
        column = func.lower(collate(value_of("properties", prop.name), searching.COLLATION))
        wanted = column.in_([key.lower() for key in keys if "\x00" not in key])
    query = select(objects).where(
        objects.c.type == kind.name,
        objects.c.archived_at.is_not(None) if archived else objects.c.archived_at.is_(None),
        wanted,
    )
    rows = [_stored(row) for row in (await db.execute(_locked(query, lock))).mappings()]
    if id_property in {None, "hs_object_id"}:
        by_id = {str(row.id): row for row in rows}
        return {key: by_id[str(int(key))] for key in numbers if str(int(key)) in by_id}
    by_value = {row.properties[str(id_property)].lower(): row for row in rows}
    return {key: by_value[key.lower()] for key in keys if key.lower() in by_value}


def _locked(query: Any, lock: bool) -> Any:
    return query.order_by(objects.c.id).with_for_update() if lock else query


async def listing(
    db: AsyncConnection, kind: ObjectType, *, after: int, limit: int, archived: bool
) -> list[Stored]:
    rows = await db.execute(
        select(objects)
        .where(
            objects.c.type == kind.name,
            objects.c.archived_at.is_not(None) if archived else objects.c.archived_at.is_(None),
            objects.c.id > after,
        )
        .order_by(objects.c.id)
        .limit(limit)
    )
    return [_stored(row) for row in rows.mappings()]


async def create(
    db: AsyncConnection, kind: ObjectType, given: Sequence[Mapping[str, str]], lag: timedelta
) -> list[Stored]:
    accepted = [accept(kind, one, None) for one in given]
    if problems := [problem for _, found in accepted for problem in found]:
        raise refusal(problems)
    now = datetime.now(UTC)
    ids = (
        await db.execute(
            select(object_ids.next_value()).select_from(func.generate_series(1, len(given)))
        )
    ).scalars()
    made = []
    for number, (properties, _) in zip(ids, accepted, strict=True):
        own = {"hs_object_id": str(number), kind.created: iso(now), kind.modified: iso(now)}
        made.append(Stored(number, properties | own, now, now, None))
    if made:
        await db.execute(
            insert(objects),
            [
                {
                    "id": one.id,
                    "type": kind.name,
                    "properties": one.properties,
                    "created_at": now,
                    "updated_at": now,
                    "index_due": now + lag,
                }
                for one in made
            ],
        )
    return made


async def merge(
    db: AsyncConnection, kind: ObjectType, stored: Stored, given: Mapping[str, str], lag: timedelta
) -> Stored:
    """Change only what is given; the row is locked already."""
    properties, problems = accept(kind, given, stored.properties)
    if problems:
        raise refusal(problems)
    now = datetime.now(UTC)
    properties[kind.modified] = iso(now)
    await db.execute(
        update(objects)
        .where(objects.c.id == stored.id)
        .values(properties=properties, updated_at=now, index_due=now + lag)
    )
    return Stored(stored.id, properties, stored.created_at, now, None)


async def archive(
    db: AsyncConnection, kind: ObjectType, ids: Sequence[str], lag: timedelta
) -> None:
    """Archive what is there; what is not there is archived enough."""
    numbers = [int(one) for one in ids if one.isascii() and one.isdigit() and len(one) < 19]
    now = datetime.now(UTC)
    await db.execute(
        update(objects)
        .where(
            objects.c.type == kind.name,
            objects.c.id.in_(numbers),
            objects.c.archived_at.is_(None),
        )
        .values(archived_at=now, updated_at=now, index_due=now + lag)
    )


async def index(db: AsyncConnection) -> None:
    """Let the search index catch up with every change whose lag is over."""
    due = (
        select(objects.c.id)
        .where(objects.c.index_due <= datetime.now(UTC))
        .with_for_update(skip_locked=True)
    )
    await db.execute(
        update(objects)
        .where(objects.c.id.in_(due.scalar_subquery()))
        .values(
            indexed=case((objects.c.archived_at.is_(None), objects.c.properties)), index_due=None
        )
    )


async def search(db: AsyncConnection, kind: ObjectType, wanted: Search) -> tuple[int, list[Stored]]:
    """How many match in all, and one page of them."""
    matching = searching.condition(kind, wanted)
    ordering = searching.order(kind, wanted.sorts)
    await db.execute(text("SET LOCAL statement_timeout = '5s'"))
    total = (await db.execute(select(func.count()).select_from(objects).where(matching))).scalar()
    page = select(objects).where(matching).order_by(*ordering)
    rows = await db.execute(page.offset(wanted.offset).limit(wanted.limit))
    return int(total or 0), [_stored(row, "indexed") for row in rows.mappings()]
