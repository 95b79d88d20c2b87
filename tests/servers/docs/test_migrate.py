from importlib import resources

import asyncpg
from servers.docs.reading import PASSWORD, Knowledge, prepared

from mcp_docs.migrate import migrate
from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf

EARLIER = ("001_tables.sql", "002_readers.sql", "003_hardening.sql")
A_PAGE = """
INSERT INTO docs.audience (groups, sections, words) VALUES ('{sales}', 1, 3);
INSERT INTO docs.page (doc_id, collection, audience_id, title, owner, classification, updated, source, digest, body)
VALUES ('a/p', 'a', 1, 'P', 'team', 'internal', current_date, 'p.md', '', E'# P\n\nA bearing.\n');
INSERT INTO docs.section (page_id, audience_id, position, headings, starts, stops) VALUES (1, 1, 0, '{}', 0, 16);
INSERT INTO docs.posting VALUES ('bear', 1, 1, 1, 3), ('p', 1, 1, 2, 3);
INSERT INTO docs.word VALUES ('bear', 1, 1), ('p', 1, 1);
"""


async def test_a_second_migration_does_nothing(knowledge: Knowledge) -> None:
    connection = await asyncpg.connect(knowledge.admin_url)
    try:
        assert await migrate(connection, PASSWORD) == []
    finally:
        await connection.close()


async def test_pages_of_an_earlier_version_are_found_before_they_are_loaded_again(
    knowledge: Knowledge, database: str
) -> None:
    """`knowledge` has made the roles; here its tables are made as they were."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute("DROP SCHEMA docs CASCADE; DELETE FROM public.docs_migration")
        await connection.execute("DROP EXTENSION pg_trgm, fuzzystrmatch CASCADE")
        for name in EARLIER:
            script = resources.files("mcp_docs.migrations").joinpath(name).read_text("utf-8")
            async with connection.transaction():
                await connection.execute(script)
            await connection.execute("INSERT INTO public.docs_migration (name) VALUES ($1)", name)
        await connection.execute(A_PAGE)
        assert await migrate(connection, PASSWORD) == ["004_scale.sql", "005_words.sql"]
    finally:
        await connection.close()
    reader = (await prepared(database)).reader_url
    async with open_shelf(Settings(database_url=reader)) as shelf:
        for groups, total in ((["everyone", "sales"], 1), (["everyone"], 0)):
            found = await shelf.search(
                groups, "bearings", collection=None, updated_within_days=None, limit=5
            )
            assert found.total == total
