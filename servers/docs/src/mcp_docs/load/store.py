"""Pages into the database: one transaction, so that a reader sees the collections before or after.

A load is the whole truth about the collections it names. What it does not bring is removed from
them; no other collection is touched.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg

from mcp_docs.load.pages import Label, Page
from mcp_docs.migrate import LOCK

# Stems with how often they occur; title and headings count three times.
_POSTINGS = """
WITH fresh AS (
    SELECT s.id, s.page_id, s.audience_id,
           substr(p.body, s.starts + 1, s.stops - s.starts) AS said,
           p.title || ' ' || array_to_string(s.headings, ' ') AS headed, p.doc_id
    FROM docs.section s JOIN docs.page p ON p.id = s.page_id
    WHERE s.page_id = ANY ($1::bigint[])
), counted AS (
    SELECT id, page_id, audience_id, term, times::real AS weight FROM fresh, docs.stems(said)
    UNION ALL
    SELECT id, page_id, audience_id, term, 3 * times::real FROM fresh, docs.stems(headed)
    UNION ALL
    SELECT id, page_id, audience_id, lexeme, 3 FROM fresh, unnest(to_tsvector('english', doc_id))
), summed AS (
    SELECT id, page_id, audience_id, term, sum(weight) AS weight FROM counted GROUP BY 1, 2, 3, 4
)
INSERT INTO docs.posting (term, audience_id, page_id, section_id, weight, section_words)
SELECT term, audience_id, page_id, id, weight, sum(weight) OVER (PARTITION BY id) FROM summed
ORDER BY term, audience_id, id
"""

# What is known of words and audiences follows the pages that come (1) and go (-1); nothing is
# counted anew.
_WORDS = """
INSERT INTO docs.word AS w (term, audience_id, sections, outstanding)
SELECT term, audience_id, $2::int4 * count(*), $2::int4 * count(*) FILTER (WHERE weight >= 3)
FROM docs.posting
WHERE page_id = ANY ($1::bigint[]) GROUP BY term, audience_id
ON CONFLICT (term, audience_id) DO UPDATE
SET sections = w.sections + excluded.sections, outstanding = w.outstanding + excluded.outstanding
"""
_TERMS = """
INSERT INTO docs.term (term) SELECT DISTINCT term FROM docs.posting
WHERE page_id = ANY ($1::bigint[]) AND term !~ '[0-9]'
ON CONFLICT DO NOTHING
"""
_FORGOTTEN = """
WITH gone AS (DELETE FROM docs.word WHERE sections = 0 RETURNING term)
DELETE FROM docs.term
WHERE term IN (SELECT term FROM gone)
  AND NOT EXISTS (SELECT FROM docs.word WHERE word.term = term.term AND word.sections > 0)
"""
_TOTALS = """
UPDATE docs.audience a
SET sections = a.sections + $2::int4 * t.sections, words = a.words + $2::int4 * t.words
FROM (
    SELECT audience_id, count(*) AS sections, sum(section_words)::int8 AS words
    FROM (
        SELECT DISTINCT audience_id, section_id, section_words
        FROM docs.posting WHERE page_id = ANY ($1::bigint[])
    ) AS section
    GROUP BY audience_id
) AS t
WHERE t.audience_id = a.id
"""


@asynccontextmanager
async def alone(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """The only load of this database; a loader that dies lets go with its connection."""
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1)", LOCK)


async def others(connection: asyncpg.Connection, collections: Iterable[str]) -> dict[str, int]:
    """The collections besides these, with how many pages each has."""
    rows = await connection.fetch(
        "SELECT collection, count(*) AS pages FROM docs.page "
        "WHERE collection <> ALL ($1::text[]) GROUP BY collection ORDER BY collection",
        list(collections),
    )
    return {row["collection"]: row["pages"] for row in rows}


async def known(connection: asyncpg.Connection, collections: Iterable[str]) -> dict[str, bytes]:
    """Digest of every page these collections have now."""
    rows = await connection.fetch(
        "SELECT doc_id, digest FROM docs.page WHERE collection = ANY ($1::text[])",
        list(collections),
    )
    return {row["doc_id"]: row["digest"] for row in rows}


async def save(
    connection: asyncpg.Connection,
    fresh: Sequence[Page],
    unchanged: Sequence[Label],
    removed: Sequence[str],
) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL ROLE docs_owner")
        await connection.execute("SET LOCAL work_mem = '64MB'")  # postings are sorted
        await _age(connection, unchanged)
        await _forget(connection, [*removed, *(page.label.doc_id for page in fresh)])
        if fresh:
            numbers = await _audiences(connection, {page.label.groups for page in fresh})
            await _insert(connection, fresh, numbers)
        if fresh or removed:
            await connection.execute(_FORGOTTEN)
            await connection.execute(
                "DELETE FROM docs.audience a "
                "WHERE NOT EXISTS (SELECT FROM docs.page p WHERE p.audience_id = a.id)"
            )
    if fresh or removed:
        # outside the transaction, as VACUUM must be; without it every posting is looked up twice
        await connection.execute(
            "VACUUM (ANALYZE) "
            "docs.page, docs.section, docs.posting, docs.word, docs.term, docs.audience"
        )


async def _forget(connection: asyncpg.Connection, doc_ids: Sequence[str]) -> None:
    rows = await connection.fetch(
        "SELECT id FROM docs.page WHERE doc_id = ANY ($1::text[])", list(doc_ids)
    )
    gone = [row["id"] for row in rows]
    await connection.execute(_WORDS, gone, -1)
    await connection.execute(_TOTALS, gone, -1)
    await connection.execute("DELETE FROM docs.page WHERE id = ANY ($1::bigint[])", gone)


async def _age(connection: asyncpg.Connection, unchanged: Sequence[Label]) -> None:
    """Ages are relative to the load: they move on although the page has not changed."""
    await connection.execute(
        "UPDATE docs.page p SET updated = n.updated, review_by = n.review_by "
        "FROM unnest($1::text[], $2::date[], $3::date[]) AS n(doc_id, updated, review_by) "
        "WHERE p.doc_id = n.doc_id "
        "AND (p.updated, p.review_by) IS DISTINCT FROM (n.updated, n.review_by)",
        [one.doc_id for one in unchanged],
        [one.dates.updated for one in unchanged],
        [one.dates.review_by for one in unchanged],
    )


async def _audiences(
    connection: asyncpg.Connection, wanted: Iterable[tuple[str, ...]]
) -> dict[tuple[str, ...], int]:
    numbers = {}
    for groups in sorted(set(wanted)):
        numbers[groups] = await connection.fetchval(
            "INSERT INTO docs.audience (groups) VALUES ($1::text[]) "
            "ON CONFLICT (groups) DO UPDATE SET groups = excluded.groups RETURNING id",
            list(groups),
        )
    return numbers


async def _insert(
    connection: asyncpg.Connection,
    pages: Sequence[Page],
    numbers: Mapping[tuple[str, ...], int],
) -> None:
    await connection.copy_records_to_table(
        "page",
        schema_name="docs",
        columns=(
            "doc_id", "collection", "audience_id", "title", "owner", "classification",
            "updated", "review_by", "source", "digest", "body",
        ),
        records=[
            (
                page.label.doc_id, page.label.collection, numbers[page.label.groups], page.title,
                page.label.owner, page.label.classification, page.label.dates.updated,
                page.label.dates.review_by, page.label.source, page.label.digest, page.body,
            )
            for page in pages
        ],
    )  # fmt: skip
    rows = await connection.fetch(
        "SELECT doc_id, id FROM docs.page WHERE doc_id = ANY ($1::text[])",
        [page.label.doc_id for page in pages],
    )
    ids = {row["doc_id"]: row["id"] for row in rows}
    await connection.copy_records_to_table(
        "section",
        schema_name="docs",
        columns=("page_id", "audience_id", "position", "headings", "starts", "stops"),
        records=[
            (
                ids[page.label.doc_id], numbers[page.label.groups], position,
                list(section.headings), section.starts, section.stops,
            )
            for page in pages
            for position, section in enumerate(page.sections)
        ],
    )  # fmt: skip
    await connection.execute(_POSTINGS, list(ids.values()))
    await connection.execute(_WORDS, list(ids.values()), 1)
    await connection.execute(_TERMS, list(ids.values()))
    await connection.execute(_TOTALS, list(ids.values()), 1)
