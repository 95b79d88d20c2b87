"""Four rankings of the same sections: this server's, two of PostgreSQL's own, and SQLite's.

The others get the same text, cut in the same places, with the title, and only what the reader may
see. None of them knows the groups: what a person may not read was not given to them.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg

from mcp_docs.shelf import Shelf

Ranking = Callable[[Sequence[str], str, int], Awaitable[list[str]]]

_SECTIONS = """
SELECT s.id, p.doc_id, p.title, array_to_string(s.headings, ' ') AS headings,
       substr(p.body, s.starts + 1, s.stops - s.starts) AS said
FROM docs.section s JOIN docs.page p ON p.id = s.page_id JOIN docs.audience a ON a.id = p.audience_id
WHERE a.groups && $1::text[]
"""

_MEANS = "SELECT length(to_tsvector('english', $1)) > 0"

# title and headings in weight A, as `ts_rank` has it; 32 keeps the rank below one
_TSRANK = """
WITH section AS MATERIALIZED (
    SELECT s.doc_id, s.vector FROM eval.section s WHERE s.groups && $1::text[]
), asked AS (
    SELECT {query} AS query
)
SELECT doc_id FROM section, asked WHERE vector @@ query
GROUP BY doc_id ORDER BY max(ts_rank_cd(vector, query, 32)) DESC, doc_id LIMIT $3
"""
ALL_WORDS = "plainto_tsquery('english', $2)"
# the same stems, any of them
ANY_WORD = "replace(plainto_tsquery('english', $2)::text, '&', '|')::tsquery"

PREPARE = f"""
CREATE SCHEMA eval;
CREATE TABLE eval.section AS
SELECT s.doc_id, a.groups,
       setweight(to_tsvector('english', s.title || ' ' || s.headings), 'A')
       || setweight(to_tsvector('english', s.said), 'D') AS vector
FROM ({_SECTIONS.partition("WHERE")[0]}) AS s
JOIN docs.page p USING (doc_id) JOIN docs.audience a ON a.id = p.audience_id;
CREATE INDEX ON eval.section USING gin (vector);
ANALYZE eval.section;
"""


def best_section(ranks: list[float]) -> float:
    return ranks[0]


def halved(ranks: list[float]) -> float:
    """As this server adds up a page: the best section whole, the next one half, and so on."""
    return sum(rank / float(2) ** place for place, rank in enumerate(ranks))


def ours(shelf: Shelf) -> Ranking:
    async def ranked(groups: Sequence[str], query: str, limit: int) -> list[str]:
        found = await shelf.search(
            groups, query, collection=None, updated_within_days=None, limit=limit
        )
        return [hit.doc_id for hit in found.results]

    return ranked


def tsrank(connection: asyncpg.Connection, query: str) -> Ranking:
    statement = _TSRANK.format(query=query)

    async def ranked(groups: Sequence[str], asked: str, limit: int) -> list[str]:
        rows = await connection.fetch(statement, list(groups), asked, limit)
        return [row["doc_id"] for row in rows]

    return ranked


@dataclass
class Fts5:
    """One index for each kind of reader, of what that reader may see; titles count twice."""

    connection: asyncpg.Connection
    page: Callable[[list[float]], float]  # what a page is worth, from its sections
    stop_words: bool = True  # as FTS5 has it: "how" and "do" find whatever has them
    indexes: dict[tuple[str, ...], sqlite3.Connection] = field(default_factory=dict)

    async def ranked(self, groups: Sequence[str], asked: str, limit: int) -> list[str]:
        said = asked.split()
        if not self.stop_words:
            said = [word for word in said if await self.connection.fetchval(_MEANS, word)]
        words = ["".join(filter(str.isalnum, word)) for word in said]
        if not any(words):
            return []
        found = (await self.index(groups)).execute(
            "SELECT doc_id, bm25(pages, 0, 2, 2, 1) FROM pages WHERE pages MATCH ?"
            " ORDER BY bm25(pages, 0, 2, 2, 1), doc_id",
            [" OR ".join(f'"{word}"' for word in words if word)],
        )
        best: dict[str, list[float]] = {}
        for doc_id, rank in found:  # the best first, and bm25 is negative here
            best.setdefault(doc_id, []).append(-rank)
        worth = {doc_id: self.page(ranks) for doc_id, ranks in best.items()}
        return sorted(best, key=lambda doc_id: (-worth[doc_id], doc_id))[:limit]

    async def index(self, groups: Sequence[str]) -> sqlite3.Connection:
        if tuple(groups) not in self.indexes:
            made = sqlite3.connect(":memory:")
            made.execute(
                "CREATE VIRTUAL TABLE pages USING fts5"
                " (doc_id UNINDEXED, title, headings, said, tokenize = 'porter')"
            )
            rows = await self.connection.fetch(_SECTIONS, list(groups))
            made.executemany("INSERT INTO pages VALUES (?, ?, ?, ?)", [tuple(r)[1:] for r in rows])
            self.indexes[tuple(groups)] = made
        return self.indexes[tuple(groups)]

    def close(self) -> None:
        for one in self.indexes.values():
            one.close()
