"""Handlers of what describes the account: owners, pipelines with their stages, properties."""

from typing import Any

from sqlalchemy import RowMapping, select
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox_crm import pipelines
from sandbox_crm.catalogue import Property
from sandbox_crm.failures import not_found
from sandbox_crm.objects import kind_of
from sandbox_crm.tables import owners
from sandbox_crm.values import iso
from sandbox_crm.wire import next_page, number, world

_FIELDS = {
    "string": "text",
    "number": "number",
    "datetime": "date",
    "enumeration": "select",
    "bool": "booleancheckbox",
}


def _owner_wire(row: RowMapping) -> dict[str, Any]:
    made = iso(row["created_at"])
    return {
        "id": str(row["id"]),
        "email": row["email"],
        "type": "PERSON",
        "firstName": row["first_name"],
        "lastName": row["last_name"],
        "userId": row["id"] % 100_000,
        "teams": [{"id": row["team"].lower(), "name": row["team"], "primary": True}],
        "createdAt": made,
        "updatedAt": made,
        "archived": False,
    }


async def owner_list(request: Request) -> Response:
    limit = number(request, "limit", default=100, low=1, high=500)
    after = number(request, "after", default=0, low=0, high=2**62)
    query = select(owners).where(owners.c.id > after).order_by(owners.c.id).limit(limit + 1)
    if email := request.query_params.get("email"):
        query = query.where(owners.c.email == email.lower())
    async with world(request).engine.connect() as db:
        rows = (await db.execute(query)).mappings().all()
    document: dict[str, Any] = {"results": [_owner_wire(row) for row in rows[:limit]]}
    if len(rows) > limit:
        document["paging"] = next_page(request, rows[limit - 1]["id"])
    return JSONResponse(document)


async def owner(request: Request) -> Response:
    given = request.path_params["id"]
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise not_found(given[:64])
    async with world(request).engine.connect() as db:
        query = select(owners).where(owners.c.id == int(given))
        row = (await db.execute(query)).mappings().first()
    if row is None:
        raise not_found(given)
    return JSONResponse(_owner_wire(row))


async def pipeline_list(request: Request) -> Response:
    kind = kind_of(request)
    known = pipelines.PIPELINES.get(kind.name, ())
    results = [pipelines.pipeline_wire(kind.name, one, n) for n, one in enumerate(known)]
    return JSONResponse({"results": results})


async def pipeline(request: Request) -> Response:
    return JSONResponse(_pipeline(request))


async def stages(request: Request) -> Response:
    return JSONResponse({"results": _pipeline(request)["stages"]})


def _pipeline(request: Request) -> dict[str, Any]:
    kind, wanted = kind_of(request), request.path_params["id"]
    for order, one in enumerate(pipelines.PIPELINES.get(kind.name, ())):
        if one.id == wanted:
            return pipelines.pipeline_wire(kind.name, one, order)
    raise not_found(wanted[:64])


def _property_wire(prop: Property) -> dict[str, Any]:
    return {
        "name": prop.name,
        "label": prop.label,
        "type": prop.kind,
        "fieldType": _FIELDS[prop.kind],
        "groupName": "information",
        "description": "",
        "options": [
            {"label": label, "value": value, "displayOrder": order, "hidden": False}
            for order, (value, label) in enumerate(prop.options)
        ],
        "hasUniqueValue": prop.unique,
        "calculated": False,
        "hidden": False,
        "modificationMetadata": {
            "archivable": False,
            "readOnlyDefinition": True,
            "readOnlyValue": prop.read_only,
        },
    }


async def property_list(request: Request) -> Response:
    kind = kind_of(request)
    return JSONResponse({"results": [_property_wire(p) for p in kind.properties.values()]})


async def one_property(request: Request) -> Response:
    kind, wanted = kind_of(request), request.path_params["name"]
    if wanted not in kind.properties:
        raise not_found(wanted[:64])
    return JSONResponse(_property_wire(kind.properties[wanted]))
