"""Handlers of associations, one pair or a batch at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox_crm import links, store
from sandbox_crm.catalogue import ObjectType
from sandbox_crm.failures import invalid, not_found
from sandbox_crm.wire import Input, batch, body, document, next_page, number, parsed, world

MAX_PAIRS = 2_000


class End(Input):
    id: str = Field(pattern=r"^[0-9]{1,18}$")
    after: str | None = Field(default=None, pattern=r"^[0-9]{1,18}$")


class Pair(Input):
    source: End = Field(alias="from")
    to: End
    types: list[dict[str, Any]] = Field(default_factory=list, max_length=10)


class Parting(Input):
    source: End = Field(alias="from")
    to: list[End] = Field(max_length=100)


class Pairs(Input):
    inputs: list[Pair] = Field(min_length=1, max_length=MAX_PAIRS)


class Partings(Input):
    inputs: list[Parting] = Field(min_length=1, max_length=MAX_PAIRS)


class Ends(Input):
    inputs: list[End] = Field(min_length=1, max_length=1_000)


def _ends(request: Request) -> tuple[ObjectType, ObjectType]:
    at = request.path_params
    return links.object_type(at["type"]), links.object_type(at["to_type"])


async def _put(
    request: Request,
    source: ObjectType,
    target: ObjectType,
    pairs: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    started = datetime.now(UTC)
    async with world(request).engine.begin() as db:
        await links.put(db, source, target, pairs)
    return links.done_wire(source, target, pairs, started)


async def put_default(request: Request) -> Response:
    pair = (request.path_params["id"], request.path_params["to_id"])
    return JSONResponse(await _put(request, *_ends(request), [pair]))


async def put(request: Request) -> Response:
    source, target = _ends(request)
    # the one body of this API that is a list
    types = await document(request)
    if not isinstance(types, list) or not types:
        raise invalid("expected a list of association types")
    links.check_types(source, target, types)
    pair = (request.path_params["id"], request.path_params["to_id"])
    await _put(request, source, target, [pair])
    made = {
        "fromObjectTypeId": source.type_id,
        "fromObjectId": pair[0],
        "toObjectTypeId": target.type_id,
        "toObjectId": pair[1],
        "labels": [],
    }
    return JSONResponse(made, 201)


async def remove(request: Request) -> Response:
    pair = (request.path_params["id"], request.path_params["to_id"])
    async with world(request).engine.begin() as db:
        await links.remove(db, *_ends(request), [pair])
    return Response(status_code=204)


async def listing(request: Request) -> Response:
    """One object's links: of v4 alone."""
    source, target = _ends(request)
    after = number(request, "after", default=0, low=0, high=2**62)
    limit = number(request, "limit", default=links.PAGE, low=1, high=links.PAGE)
    async with world(request).engine.connect() as db:
        found = await store.read(db, source, [request.path_params["id"]])
        if not found:
            raise not_found(request.path_params["id"][:64])
        [one] = found.values()
        ids, following = await links.of(db, source, target, one.id, after, limit)
    spec = _spec(source, target)
    made: dict[str, Any] = {
        "results": [{"toObjectId": str(n), "associationTypes": [spec]} for n in ids]
    }
    if following is not None:
        made["paging"] = next_page(request, following)
    return JSONResponse(made)


def _spec(source: ObjectType, target: ObjectType) -> dict[str, Any]:
    type_id = links.type_id(source, target)
    return {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": None}


async def batch_read(request: Request) -> Response:
    source, target = _ends(request)
    started, asked = datetime.now(UTC), parsed(Ends, await body(request))
    spec = _spec(source, target)
    results = []
    async with world(request).engine.connect() as db:
        for one in asked.inputs:
            ids, after = await links.of(db, source, target, int(one.id), int(one.after or 0))
            if not ids:
                continue
            found: dict[str, Any] = {
                "from": {"id": one.id},
                "to": [{"toObjectId": str(n), "associationTypes": [spec]} for n in ids],
            }
            if after is not None:
                found["paging"] = {"next": {"after": str(after)}}
            results.append(found)
    return JSONResponse(batch(started, results))


async def batch_create(request: Request) -> Response:
    source, target = _ends(request)
    asked = parsed(Pairs, await body(request))
    for one in asked.inputs:
        links.check_types(source, target, one.types)
    pairs = [(one.source.id, one.to.id) for one in asked.inputs]
    return JSONResponse(await _put(request, source, target, pairs), 201)


async def batch_default(request: Request) -> Response:
    source, target = _ends(request)
    asked = parsed(Pairs, await body(request))
    pairs = [(one.source.id, one.to.id) for one in asked.inputs]
    return JSONResponse(await _put(request, source, target, pairs))


async def batch_archive(request: Request) -> Response:
    asked = parsed(Partings, await body(request))
    pairs = [(one.source.id, to.id) for one in asked.inputs for to in one.to]
    async with world(request).engine.begin() as db:
        await links.remove(db, *_ends(request), pairs)
    return Response(status_code=204)
