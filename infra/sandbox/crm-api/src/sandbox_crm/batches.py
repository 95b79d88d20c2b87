"""Handlers of batches: read, create, update, upsert and archive up to a hundred at once.

A batch of writes lands whole or not at all; a batch of reads answers what it found and lists the
rest, with status 207.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox_crm import store
from sandbox_crm.failures import invalid, not_found
from sandbox_crm.objects import kind_of, made_one
from sandbox_crm.wire import (
    MAX_BATCH,
    Input,
    NewObject,
    Text,
    batch,
    body,
    flag,
    parsed,
    values,
    wire,
    world,
)

Id = Field(min_length=1, max_length=320)


class Ref(Input):
    id: str = Id


class Named(Ref):
    id_property: str | None = Field(default=None, alias="idProperty", max_length=100)
    properties: dict[str, Text] = Field(max_length=500)


class Refs(Input):
    inputs: list[Ref] = Field(min_length=1, max_length=MAX_BATCH)


class Read(Refs):
    id_property: str | None = Field(default=None, alias="idProperty", max_length=100)
    properties: list[str] = Field(default_factory=list, max_length=500)


class Create(Input):
    inputs: list[NewObject] = Field(min_length=1, max_length=MAX_BATCH)


class Update(Input):
    inputs: list[Named] = Field(min_length=1, max_length=MAX_BATCH)


async def read(request: Request) -> Response:
    kind, started = kind_of(request), datetime.now(UTC)
    asked = parsed(Read, await body(request))
    async with world(request).engine.connect() as db:
        found = await store.read(
            db,
            kind,
            [one.id for one in asked.inputs],
            id_property=asked.id_property,
            archived=flag(request, "archived"),
        )
    results = [wire(kind, stored, asked.properties) for stored in found.values()]
    missing = [one.id for one in asked.inputs if one.id not in found]
    errors = (
        [
            {
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "message": f"Could not get some {kind.name}; they may be deleted or not exist.",
                "context": {"ids": missing},
            }
        ]
        if missing
        else []
    )
    return JSONResponse(batch(started, results, errors), 207 if errors else 200)


async def create(request: Request) -> Response:
    kind, started = kind_of(request), datetime.now(UTC)
    asked = parsed(Create, await body(request))
    async with world(request).engine.begin() as db:
        made = [await made_one(db, request, kind, one) for one in asked.inputs]
    results = [wire(kind, one, new.properties) for one, new in zip(made, asked.inputs, strict=True)]
    return JSONResponse(batch(started, results), 201)


async def update(request: Request) -> Response:
    kind, started = kind_of(request), datetime.now(UTC)
    asked = parsed(Update, await body(request))
    id_property = _one_id_property(asked.inputs)
    results = []
    async with world(request).engine.begin() as db:
        keys = [one.id for one in asked.inputs]
        found = await store.read(db, kind, keys, id_property=id_property, lock=True)
        for one in asked.inputs:
            if one.id not in found:
                raise not_found(one.id[:64])
            lag = world(request).lag
            changed = await store.merge(db, kind, found[one.id], values(one.properties), lag)
            found[one.id] = changed
            results.append(wire(kind, changed, one.properties))
    return JSONResponse(batch(started, results))


async def upsert(request: Request) -> Response:
    kind, started = kind_of(request), datetime.now(UTC)
    asked = parsed(Update, await body(request))
    id_property = _one_id_property(asked.inputs)
    if id_property is None:
        raise invalid("upsert requires idProperty")
    lag, results = world(request).lag, []
    async with world(request).engine.begin() as db:
        keys = [one.id for one in asked.inputs]
        found = await store.read(db, kind, keys, id_property=id_property, lock=True)
        for one in asked.inputs:
            given = {**values(one.properties), id_property: one.id}
            known = found.get(one.id)
            if known:
                result = await store.merge(db, kind, known, given, lag)
            else:
                [result] = await store.create(db, kind, [given], lag)
            found[one.id] = result
            document: dict[str, Any] = wire(kind, result, given)
            results.append({**document, "new": known is None})
    return JSONResponse(batch(started, results))


async def archive(request: Request) -> Response:
    asked = parsed(Refs, await body(request))
    async with world(request).engine.begin() as db:
        ids = [one.id for one in asked.inputs]
        await store.archive(db, kind_of(request), ids, world(request).lag)
    return Response(status_code=204)


def _one_id_property(inputs: Sequence[Named]) -> str | None:
    named = {one.id_property for one in inputs}
    if len(named) > 1:
        raise invalid("all inputs of a batch share one idProperty")
    return named.pop()
