"""The library in Postgres, as `docs_ro`: one short read-only transaction for each question, in
which the reader's groups are set.

The database down means `Unavailable`, at the call and not at start-up; the next call tries again.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

import asyncpg

from mcp_docs import ranking
from mcp_docs.inert import inert, inert_line
from mcp_docs.knowledge import PageEntry, PageText, SectionAt
from mcp_docs.models import CollectionInfo, CollectionList, Hit, SearchResult, overdue, url
from mcp_docs.settings import Settings
from mcp_docs.text import passage, visible
from mcp_shared.faults import Unavailable
from mcp_shared.postgres import DOWN

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[asyncpg.Record]

MAX_COLLECTIONS = 100

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_shelf(settings: Settings) -> AsyncIterator["Shelf"]:
    """No connection is made until the first question: a server starts with its database down."""
    pool = asyncpg.create_pool(
        settings.database_url,
        min_size=0,
        max_size=settings.connections,
        timeout=settings.deadline_seconds,
        command_timeout=settings.deadline_seconds,
        server_settings={"application_name": "mcp-docs"},
    )
    async with pool:
        yield Shelf(pool, settings.deadline_seconds)


@dataclass(slots=True)
class _Asked:
    """What a question became: terms with weight and the part of it they stand for."""

    terms: list[tuple[str, float, int]] = field(default_factory=list)
    similar: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


class Shelf:
    def __init__(self, pool: asyncpg.Pool, deadline_seconds: float) -> None:
        self._pool = pool
        self._deadline = deadline_seconds

    @asynccontextmanager
    async def _reading(self, groups: Sequence[str]) -> AsyncIterator["Connection"]:
        try:
            async with (
                asyncio.timeout(self._deadline),
                self._pool.acquire() as connection,
                # one picture for all statements of a question, also while pages are loaded
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                # SET takes no parameters; `readable_by` let no quote through
                await connection.execute(f"SET LOCAL app.groups = '{','.join(groups)}'")
                yield connection
        except DOWN as error:
            log.error("knowledge base unavailable", extra={"error": type(error).__name__})
            raise Unavailable(
                "The knowledge base does not answer right now.",
                instead="Try again in a minute; do not answer from memory.",
            ) from error

    async def search(
        self,
        groups: Sequence[str],
        query: str,
        *,
        collection: str | None,
        updated_within_days: int | None,
        limit: int,
    ) -> SearchResult:
        nothing = SearchResult(results=[], total=0, more=False, also_searched=[], unknown=[])
        if not _storable(collection or ""):
            return nothing
        async with self._reading(groups) as connection:
            asked = await self._asked(connection, groups, visible(query))
            words = [term for term, _, _ in asked.terms]
            rows: list[asyncpg.Record] = (
                []
                if not words
                else await connection.fetch(
                    ranking.RANKED,
                    list(groups),
                    words,
                    [repr(weight) for _, weight, _ in asked.terms],
                    [str(part) for _, _, part in asked.terms],
                    collection,
                    updated_within_days,
                    limit,
                    " | ".join(
                        "'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words
                    ),
                    ranking.MAX_POSTINGS,
                )
            )
        total = rows[0]["total"] if rows else 0
        return SearchResult(
            results=[_hit(row) for row in rows],
            total=total,
            more=total > len(rows),
            also_searched=sorted(asked.similar),
            unknown=sorted(asked.unknown),
        )

    async def _asked(self, connection: "Connection", groups: Sequence[str], query: str) -> "_Asked":
        """Each stem of the query with its kin, or with what it may have meant."""
        families: dict[str, list[str]] = {}
        for row in await connection.fetch(ranking.TERMS, list(groups), query):
            families.setdefault(row["stem"], []).extend(filter(None, [row["term"]]))
        asked = _Asked()
        parts = {stem: part for part, stem in enumerate(islice(families, ranking.MAX_TERMS))}
        for stem, part in parts.items():
            asked.terms += [
                (term, 1.0 if term == stem else ranking.KIN_WEIGHT, part) for term in families[stem]
            ]
        missing = [stem for stem in parts if not families[stem]]
        if missing:
            for row in await connection.fetch(ranking.SIMILAR, list(groups), missing, query):
                if row["term"] is None:
                    asked.unknown.add(row["said"])
                else:
                    asked.similar.add(row["term"])
                    asked.terms.append((row["term"], ranking.SIMILAR_WEIGHT, parts[row["stem"]]))
        return asked

    async def page(self, groups: Sequence[str], doc_id: str) -> PageText | None:
        if not _storable(doc_id):
            return None
        async with self._reading(groups) as connection:
            row = await connection.fetchrow(ranking.PAGE, list(groups), doc_id)
        if row is None:
            return None
        sections = tuple(
            SectionAt(tuple(filter(None, headings.split("\x1f"))), int(starts), int(stops))
            for headings, starts, stops in zip(
                row["headings"], row["starts"], row["stops"], strict=True
            )
        )
        # in a thread: a page may be long, and others ask meanwhile
        body, sections = await asyncio.to_thread(inert, row["title"], row["body"], sections)
        return PageText(
            doc_id=row["doc_id"],
            title=inert_line(row["title"]),
            owner=inert_line(row["owner"]),
            classification=row["classification"],
            updated=row["updated"],
            review_by=row["review_by"],
            today=row["today"],
            body=body,
            sections=sections,
        )

    async def collections(self, groups: Sequence[str]) -> CollectionList:
        async with self._reading(groups) as connection:
            rows = await connection.fetch(ranking.COLLECTIONS, list(groups), MAX_COLLECTIONS + 1)
        found = [
            CollectionInfo(
                name=row["collection"],
                pages=row["pages"],
                newest=row["newest"],
                overdue=row["overdue"],
                titles=[inert_line(title) for title in row["titles"]],
            )
            for row in rows
        ]
        return CollectionList(
            collections=found[:MAX_COLLECTIONS], more=len(found) > MAX_COLLECTIONS
        )

    async def entries(self, groups: Sequence[str], after: str, limit: int) -> list[PageEntry]:
        async with self._reading(groups) as connection:
            rows = await connection.fetch(ranking.ENTRIES, list(groups), after, limit)
        return [
            PageEntry(row["doc_id"], inert_line(row["title"]), row["updated"], row["size"])
            for row in rows
        ]


def _storable(name: str) -> bool:
    """No page or collection has a name with characters that cannot be seen, or stored at all."""
    return visible(name) == name


def _hit(row: asyncpg.Record) -> Hit:
    return Hit(
        doc_id=row["doc_id"],
        title=inert_line(row["title"]),
        section=inert_line(row["section"]),
        snippet=passage(row["snippet"]),
        owner=inert_line(row["owner"]),
        updated=row["updated"],
        warning=overdue(row["review_by"], row["today"]),
        url=url(row["doc_id"]),
    )
