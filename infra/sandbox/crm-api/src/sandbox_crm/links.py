"""Associations: which object belongs with which, kept in both directions."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from sandbox_crm import store
from sandbox_crm.catalogue import ASSOCIATION_TYPES, OBJECT_TYPES, ObjectType
from sandbox_crm.failures import Problem, invalid, not_found
from sandbox_crm.tables import associations, objects
from sandbox_crm.values import iso

PAGE = 500


def type_id(source: ObjectType, target: ObjectType) -> int:
    found = ASSOCIATION_TYPES.get((source.name, target.name))
    if found is None:
        raise invalid(f"{source.name} cannot be associated with {target.name}")
    return found


def check_types(source: ObjectType, target: ObjectType, types: Sequence[Any]) -> None:
    """Only the vendor's unlabelled type of the pair exists here."""
    expected = type_id(source, target)
    for one in types:
        given = one.get("associationTypeId") if isinstance(one, dict) else None
        if given != expected or one.get("associationCategory") != "HUBSPOT_DEFINED":
            raise invalid(
                f"association type {given} is not a type from {source.name} to {target.name}",
                Problem("unknown association type", "INVALID_ASSOCIATION_TYPE"),
            )


async def put(
    db: AsyncConnection,
    source: ObjectType,
    target: ObjectType,
    pairs: Sequence[tuple[str, str]],
) -> None:
    """Associate both ways; what is associated already stays so."""
    forward, back = type_id(source, target), type_id(target, source)
    for kind, ids in ((source, {a for a, _ in pairs}), (target, {b for _, b in pairs})):
        found = await store.read(db, kind, sorted(ids))
        if missing := ids - found.keys():
            raise not_found(min(missing))
    rows = []
    for a, b in pairs:
        rows.append((source.name, int(a), target.name, int(b), forward))
        rows.append((target.name, int(b), source.name, int(a), back))
    if rows:
        names = [column.name for column in associations.columns]
        values = [dict(zip(names, row, strict=True)) for row in sorted(rows)]
        await db.execute(insert(associations).on_conflict_do_nothing(), values)


async def remove(
    db: AsyncConnection,
    source: ObjectType,
    target: ObjectType,
    pairs: Sequence[tuple[str, str]],
) -> None:
    type_id(source, target)
    table = associations.c
    one_way = [
        and_(
            table.from_type == kind.name,
            table.from_id == int(a),
            table.to_type == other.name,
            table.to_id == int(b),
        )
        for x, y in pairs
        if x.isdecimal() and y.isdecimal()
        for kind, a, other, b in ((source, x, target, y), (target, y, source, x))
    ]
    if one_way:
        await db.execute(delete(associations).where(or_(*one_way)))


async def of(
    db: AsyncConnection,
    source: ObjectType,
    target: ObjectType,
    object_id: int,
    after: int = 0,
    limit: int = PAGE,
) -> tuple[list[int], int | None]:
    """One page of the ids associated with an object, and where the next page starts."""
    type_id(source, target)
    rows = await db.execute(
        select(associations.c.to_id)
        .join(objects, objects.c.id == associations.c.to_id)
        .where(
            objects.c.archived_at.is_(None),
            associations.c.from_type == source.name,
            associations.c.from_id == object_id,
            associations.c.to_type == target.name,
            associations.c.to_id > after,
        )
        .order_by(associations.c.to_id)
        .limit(limit + 1)
    )
    ids = list(rows.scalars())
    return ids[:limit], ids[limit - 1] if len(ids) > limit else None


def done_wire(
    source: ObjectType, target: ObjectType, pairs: Sequence[tuple[str, str]], started: datetime
) -> dict[str, Any]:
    results = [
        {
            "from": {"id": a},
            "to": {"id": b},
            "associationSpec": {
                "associationCategory": "HUBSPOT_DEFINED",
                "associationTypeId": type_id(kind, other),
            },
        }
        for x, y in pairs
        for kind, a, other, b in ((source, x, target, y), (target, y, source, x))
    ]
    return {
        "status": "COMPLETE",
        "results": results,
        "startedAt": iso(started),
        "completedAt": iso(datetime.now(UTC)),
    }


def object_type(name: str) -> ObjectType:
    """By its plural, its singular or its type id, as the vendor's paths accept them."""
    for kind in OBJECT_TYPES.values():
        if name in {kind.name, kind.singular, kind.type_id}:
            return kind
    raise invalid(f"Unable to infer object type from: {name[:64]}")
