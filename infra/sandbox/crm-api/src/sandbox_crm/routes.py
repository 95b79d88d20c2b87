"""Every path of the API: the dated one, and the numbered ones that go with older clients.

The vendor serves `/crm/v3` and `/crm/v4` beside the dated paths until September 2027, and its own
Python client knows no others. Both lead to the same handlers here.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from starlette.routing import Route

from sandbox_crm import associating, batches, objects, reference

VERSION = "2026-09"
SEARCHES = re.compile(rf"/crm/(?:objects/{VERSION}|v3/objects)/[^/]+/search")

Row = tuple[str, str, Callable[..., Any]]


def routes() -> list[Route]:
    table = [
        *_objects(f"/crm/objects/{VERSION}"),
        *_links_of_one(f"/crm/objects/{VERSION}"),
        *_links(f"/crm/associations/{VERSION}"),
        *_account(*(f"/crm/{area}/{VERSION}" for area in ("owners", "pipelines", "properties"))),
        *_objects("/crm/v3/objects"),
        *_account("/crm/v3/owners", "/crm/v3/pipelines", "/crm/v3/properties"),
        *_links_of_one("/crm/v4/objects"),
        # gone from the dated paths: there, links are read in batches
        ("GET", "/crm/v4/objects/{type}/{id}/associations/{to_type}", associating.listing),
        *_links("/crm/v4/associations"),
    ]
    return [Route(path, handler, methods=[method]) for method, path, handler in table]


def _objects(at: str) -> Iterator[Row]:
    of, one = f"{at}/{{type}}", f"{at}/{{type}}/{{id}}"
    yield "GET", of, objects.listing
    yield "POST", of, objects.create
    yield "POST", f"{of}/search", objects.search
    yield "POST", f"{of}/batch/read", batches.read
    yield "POST", f"{of}/batch/create", batches.create
    yield "POST", f"{of}/batch/update", batches.update
    yield "POST", f"{of}/batch/upsert", batches.upsert
    yield "POST", f"{of}/batch/archive", batches.archive
    yield "GET", one, objects.read
    yield "PATCH", one, objects.change
    yield "DELETE", one, objects.archive


def _links_of_one(at: str) -> Iterator[Row]:
    links = f"{at}/{{type}}/{{id}}/associations"
    yield "PUT", f"{links}/default/{{to_type}}/{{to_id}}", associating.put_default
    yield "PUT", f"{links}/{{to_type}}/{{to_id}}", associating.put
    yield "DELETE", f"{links}/{{to_type}}/{{to_id}}", associating.remove


def _links(at: str) -> Iterator[Row]:
    both = f"{at}/{{type}}/{{to_type}}/batch"
    yield "POST", f"{both}/read", associating.batch_read
    yield "POST", f"{both}/create", associating.batch_create
    yield "POST", f"{both}/associate/default", associating.batch_default
    yield "POST", f"{both}/archive", associating.batch_archive


def _account(owners: str, pipelines: str, properties: str) -> Iterator[Row]:
    yield "GET", owners, reference.owner_list
    yield "GET", f"{owners}/", reference.owner_list  # the vendor's client ends it so
    yield "GET", f"{owners}/{{id}}", reference.owner
    yield "GET", f"{pipelines}/{{type}}", reference.pipeline_list
    yield "GET", f"{pipelines}/{{type}}/{{id}}", reference.pipeline
    yield "GET", f"{pipelines}/{{type}}/{{id}}/stages", reference.stages
    yield "GET", f"{properties}/{{type}}", reference.property_list
    yield "GET", f"{properties}/{{type}}/{{name}}", reference.one_property
