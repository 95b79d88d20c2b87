"""What handlers share of the wire: bodies in, objects out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from sandbox_crm.catalogue import ObjectType
from sandbox_crm.failures import ApiError, Problem, invalid
from sandbox_crm.store import Stored
from sandbox_crm.values import iso

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_BATCH = 100

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class World:
    """What a handler may reach."""

    engine: AsyncEngine
    lag: timedelta


def world(request: Request) -> World:
    reached: World = request.app.state.world
    return reached


class Input(BaseModel):
    """A body of the API: values are strings on the wire, numbers and booleans are taken too."""

    model_config = ConfigDict(coerce_numbers_to_str=True, populate_by_name=True)


Text = str | bool | None


class Link(Input):
    class To(Input):
        id: str = Field(max_length=20)

    to: To
    types: list[dict[str, Any]] = Field(max_length=10)


class NewObject(Input):
    properties: dict[str, Text] = Field(max_length=500)
    associations: list[Link] = Field(default_factory=list, max_length=100)


class Change(Input):
    properties: dict[str, Text] = Field(max_length=500)


def values(properties: Mapping[str, Text]) -> dict[str, str]:
    """Null clears as an empty string does; true becomes "true"."""
    return {
        name: str(value).lower() if isinstance(value, bool) else value or ""
        for name, value in properties.items()
    }


async def document(request: Request) -> Any:
    received = bytearray()
    async for chunk in request.stream():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            raise ApiError(413, "VALIDATION_ERROR", "The request is too large")
    try:
        return orjson.loads(bytes(received))
    except orjson.JSONDecodeError as error:
        raise invalid(
            f"Invalid input JSON on line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None


async def body(request: Request) -> dict[str, Any]:
    given = await document(request)
    if not isinstance(given, dict):
        raise invalid("Invalid input JSON on line 1, column 1: expected an object")
    return given


def parsed(model: type[Model], given: Any) -> Model:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        problems = [
            Problem(
                f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}",
                "INVALID_INPUT",
                {"propertyName": [".".join(str(part) for part in one["loc"])]},
            )
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise invalid(
            "Invalid input JSON: " + "; ".join(problem.message for problem in problems[:5]),
            *problems[:20],
        ) from None


def number(request: Request, name: str, *, default: int, low: int, high: int) -> int:
    given = request.query_params.get(name, str(default))
    value = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else -1
    if not low <= value <= high:
        raise invalid(f"{name} must be a whole number from {low} to {high}")
    return value


def names(request: Request, name: str) -> list[str]:
    """A list in the query: repeated, or with commas."""
    given = request.query_params.getlist(name)
    return [part for one in given for part in one.split(",") if part]


def flag(request: Request, name: str) -> bool:
    # the vendor's own client writes True
    return request.query_params.get(name, "false").lower() == "true"


def wire(kind: ObjectType, stored: Stored, properties: Iterable[str] = ()) -> dict[str, Any]:
    """An object as the API answers it: what was asked for, or the usual few properties."""
    asked = [name for name in properties if name in kind.properties] or list(kind.shown)
    shown = dict.fromkeys((*asked, *kind.always))
    document: dict[str, Any] = {
        "id": str(stored.id),
        "properties": {name: stored.properties.get(name) for name in shown},
        "createdAt": iso(stored.created_at),
        "updatedAt": iso(stored.updated_at),
        "archived": stored.archived_at is not None,
        "url": f"https://crm.larkfield.example/record/{kind.type_id}/{stored.id}",
    }
    if stored.archived_at:
        document["archivedAt"] = iso(stored.archived_at)
    return document


def next_page(request: Request, after: int | str) -> dict[str, Any]:
    query = {**request.query_params, "after": str(after)}
    return {"next": {"after": str(after), "link": f"{request.url.path}?{urlencode(query)}"}}


def batch(started: datetime, results: Sequence[Any], errors: Sequence[Any] = ()) -> dict[str, Any]:
    document: dict[str, Any] = {
        "status": "COMPLETE",
        "results": list(results),
        "startedAt": iso(started),
        "completedAt": iso(datetime.now(UTC)),
    }
    if errors:
        document |= {"numErrors": len(errors), "errors": list(errors)}
    return document
