"""The port to the knowledge base: what the tools need of it, always as one reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Protocol

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Resolve

from mcp_docs.groups import readable_by
from mcp_docs.models import CollectionList, SearchResult
from mcp_shared.identity import caller


@dataclass(frozen=True, slots=True)
class SectionAt:
    headings: tuple[str, ...]
    starts: int
    stops: int


@dataclass(frozen=True, slots=True)
class PageText:
    doc_id: str
    title: str
    owner: str
    classification: str
    updated: date
    review_by: date | None
    today: date
    body: str
    sections: tuple[SectionAt, ...]


@dataclass(frozen=True, slots=True)
class PageEntry:
    doc_id: str
    title: str
    updated: date
    size: int


class Library(Protocol):
    """Every method sees only what `groups` may read; what is hidden is as if it were not there."""

    async def search(
        self,
        groups: Sequence[str],
        query: str,
        *,
        collection: str | None,
        updated_within_days: int | None,
        limit: int,
    ) -> SearchResult: ...

    async def page(self, groups: Sequence[str], doc_id: str) -> PageText | None: ...

    async def collections(self, groups: Sequence[str]) -> CollectionList: ...

    async def entries(self, groups: Sequence[str], after: str, limit: int) -> list[PageEntry]: ...


def open_library(ctx: Context[Any, Any]) -> Library:
    """The library of this server's lifespan."""
    library: Library = ctx.request_context.lifespan_context
    return library


def callers_groups() -> list[str]:
    """The groups of the person who calls, and the one everybody has."""
    return readable_by(caller().groups)


TheLibrary = Annotated[Library, Resolve(open_library)]
