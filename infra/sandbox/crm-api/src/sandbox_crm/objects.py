"""Handlers of single objects: list, create, read, change, archive, search."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox_crm import links, question, store
from sandbox_crm.catalogue import ASSOCIATION_TYPES, ObjectType
from sandbox_crm.failures import invalid, not_found
from sandbox_crm.store import Stored
from sandbox_crm.wire import (
    Change,
    NewObject,
    body,
    flag,
    names,
    next_page,
    number,
    parsed,
    values,
    wire,
    world,
)


def kind_of(request: Request) -> ObjectType:
    return links.object_type(request.path_params["type"])


async def listing(request: Request) -> Response:
    kind = kind_of(request)
    limit = number(request, "limit", default=10, low=1, high=100)
    after = number(request, "after", default=0, low=0, high=2**62)
    async with world(request).engine.connect() as db:
        found = await store.listing(
            db, kind, after=after, limit=limit + 1, archived=flag(request, "archived")
        )
        results = [await _with_links(db, request, kind, one) for one in found[:limit]]
    document: dict[str, Any] = {"results": results}
    if len(found) > limit:
        document["paging"] = next_page(request, found[limit - 1].id)
    return JSONResponse(document)


async def create(request: Request) -> Response:
    kind = kind_of(request)
    new = parsed(NewObject, await body(request))
    async with world(request).engine.begin() as db:
        made = await made_one(db, request, kind, new)
    return JSONResponse(wire(kind, made, new.properties), 201)


async def made_one(
    db: AsyncConnection, request: Request, kind: ObjectType, new: NewObject
) -> Stored:
    [made] = await store.create(db, kind, [values(new.properties)], world(request).lag)
    for link in new.associations:
        target = _target_of(kind, link.types)
        links.check_types(kind, target, link.types)
        await links.put(db, kind, target, [(str(made.id), link.to.id)])
    return made


def _target_of(kind: ObjectType, types: list[dict[str, Any]]) -> ObjectType:
    """The type id alone says what is at the other end."""
    given = types[0].get("associationTypeId") if types else None
    for (source, target), type_id in ASSOCIATION_TYPES.items():
        if source == kind.name and type_id == given:
            return links.object_type(target)
    raise invalid(f"association type {given} does not start at {kind.name}")


async def read(request: Request) -> Response:
    kind = kind_of(request)
    async with world(request).engine.connect() as db:
        one = await _asked_for(db, request, kind)
        return JSONResponse(await _with_links(db, request, kind, one))


async def change(request: Request) -> Response:
    kind = kind_of(request)
    wanted = parsed(Change, await body(request))
    async with world(request).engine.begin() as db:
        one = await _asked_for(db, request, kind, lock=True)
        changed = await store.merge(db, kind, one, values(wanted.properties), world(request).lag)
    return JSONResponse(wire(kind, changed, wanted.properties))


async def archive(request: Request) -> Response:
    async with world(request).engine.begin() as db:
        await store.archive(db, kind_of(request), [request.path_params["id"]], world(request).lag)
    return Response(status_code=204)


async def search(request: Request) -> Response:
    kind = kind_of(request)
    wanted = parsed(question.Search, await body(request))
    question.check(wanted)
    reached = world(request)
    async with reached.engine.begin() as db:
        await store.index(db)
    async with reached.engine.connect() as db:
        total, found = await store.search(db, kind, wanted)
    document: dict[str, Any] = {
        "total": total,
        "results": [wire(kind, one, wanted.properties) for one in found],
    }
    reached_so_far = wanted.offset + len(found)
    if found and reached_so_far < total:
        document["paging"] = {"next": {"after": str(reached_so_far)}}
    return JSONResponse(document)


async def _asked_for(
    db: AsyncConnection, request: Request, kind: ObjectType, *, lock: bool = False
) -> Stored:
    key = request.path_params["id"]
    found = await store.read(
        db,
        kind,
        [key],
        id_property=request.query_params.get("idProperty"),
        archived=flag(request, "archived"),
        lock=lock,
    )
    if key not in found:
        raise not_found(key[:64])
    return found[key]


async def _with_links(
    db: AsyncConnection, request: Request, kind: ObjectType, one: Stored
) -> dict[str, Any]:
    document = wire(kind, one, names(request, "properties"))
    linked: dict[str, Any] = {}
    for name in names(request, "associations"):
        target = links.object_type(name)
        ids, after = await links.of(db, kind, target, one.id)
        if ids:
            label = f"{kind.singular}_to_{target.singular}"
            linked[target.name] = {"results": [{"id": str(n), "type": label} for n in ids]}
            if after is not None:
                linked[target.name]["paging"] = next_page(request, after)
    if linked:
        document["associations"] = linked
    return document
