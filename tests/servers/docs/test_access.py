"""A page that is hidden is as if it were not there: in words, counts, scores, and for each lock alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from servers.docs.reading import Knowledge, session, write

from mcp_docs import ranking
from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf

QUERIES = ("bearing price", "zirconium", "beering", "margin bearing hydraulics", "pric")


def open_pages(root: Path) -> None:
    for number in range(6):
        write(
            root,
            f"a/p{number}.md",
            f"# Bearing {number}\n\nPrice of bearings. " + "Steel part. " * number,
        )
    write(root, "b/q.md", "# Hydraulics\n\nHydraulic hoses.")


async def everything(knowledge: Knowledge, *groups: str) -> dict[str, Any]:
    """All that the server tells this reader."""
    told: dict[str, Any] = {}
    async with session(knowledge.reader_url, *groups) as docs:
        for query in QUERIES:
            told[query] = (await docs.call_tool("search_docs", {"query": query})).model_dump()
        told["collections"] = (await docs.call_tool("list_collections")).model_dump()
        told["resources"] = (await docs.list_resources()).model_dump()
    async with open_shelf(Settings(database_url=knowledge.reader_url)) as shelf:
        told["entries"] = await shelf.entries(["everyone", *groups], "", 100)
    return told


async def scores(knowledge: Knowledge) -> Mapping[str, float]:
    rows = await knowledge.rows(
        ranking.RANKED.replace("SELECT page.doc_id, page.title", "SELECT shown.score, page.doc_id, page.title"),
        ["everyone"], ["bear", "price"], ["1.0", "1.0"], ["0", "1"], None, None, 50, "'bear'", ranking.MAX_POSTINGS,
    )  # fmt: skip
    return {row["doc_id"]: row["score"] for row in rows}


async def test_a_hidden_page_changes_nothing_at_all(knowledge: Knowledge, tmp_path: Path) -> None:
    open_pages(tmp_path)
    await knowledge.load(tmp_path)
    before, scored = await everything(knowledge, "sales"), await scores(knowledge)
    for number in range(20):
        write(
            tmp_path, f"a/hidden{number}.md",
            "# Bearing price margin\n\nZirconium bearing price margin. [x](p1.md)", groups=["finance"],
        )  # fmt: skip
    write(tmp_path, "secret/s.md", "Zirconium.", groups=["finance"])
    await knowledge.load(tmp_path)
    assert await everything(knowledge, "sales") == before
    assert await scores(knowledge) == scored
    assert await everything(knowledge, "finance") != before


async def test_a_revoked_group_is_gone_with_the_next_question(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(tmp_path, "a/p.md", "Bearing.", groups=["sales"])
    await knowledge.load(tmp_path)
    async with open_shelf(Settings(database_url=knowledge.reader_url)) as shelf:
        assert await shelf.page(["everyone", "sales"], "a/p")
        assert not await shelf.page(["everyone"], "a/p")
        write(tmp_path, "a/p.md", "Bearing.", groups=["finance"])
        await knowledge.load(tmp_path)
        assert not await shelf.page(["everyone", "sales"], "a/p")


async def test_row_security_holds_where_a_statement_forgets_the_groups(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(tmp_path, "a/open.md", "Bearing.")
    write(tmp_path, "a/closed.md", "Zirconium.", groups=["finance", "people"])
    await knowledge.load(tmp_path)
    reader = await asyncpg.connect(knowledge.reader_url)
    try:
        for groups, pages in (
            (None, 0),
            ("", 0),
            ("everyone", 1),
            ("everyone,people", 2),
            ("x", 0),
        ):
            async with reader.transaction():
                if groups is not None:
                    await reader.execute(f"SET LOCAL app.groups = '{groups}'")
                for table in ("audience", "page", "section"):
                    assert await reader.fetchval(f"SELECT count(*) FROM docs.{table}") == pages
                zirconium = "SELECT count(*) FROM docs.{} WHERE term = 'zirconium'"
                for table in ("posting", "word"):
                    assert await reader.fetchval(zirconium.format(table)) == (pages == 2)
    finally:
        await reader.close()


async def test_the_statements_hold_where_row_security_is_off(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """Run as the superuser, whom policies do not bind."""
    write(tmp_path, "a/open.md", "Bearing.")
    write(tmp_path, "a/closed.md", "Zirconium bearing.", groups=["finance"])
    await knowledge.load(tmp_path)
    async with open_shelf(Settings(database_url=knowledge.admin_url)) as shelf:
        found = await shelf.search(
            ["everyone"], "bearing", collection=None, updated_within_days=None, limit=5
        )
        assert [hit.doc_id for hit in found.results] == ["a/open"]
        assert not (
            await shelf.search(
                ["everyone"], "zirconum", collection=None, updated_within_days=None, limit=5
            )
        ).also_searched
        assert await shelf.page(["everyone"], "a/closed") is None
        assert [c.pages for c in (await shelf.collections(["everyone"])).collections] == [1]
        assert [e.doc_id for e in await shelf.entries(["everyone"], "", 9)] == ["a/open"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT set_config('app.groups', 'finance', true)",
        "SELECT query_to_xml('SET app.groups = finance', true, true, '')",
        "UPDATE docs.page SET audience_id = 1",
        "DELETE FROM docs.audience",
        "CREATE TABLE public.x (a int)",
        "CREATE TEMP TABLE x (a int)",
        "SELECT pg_read_file('/etc/passwd')",
        "SET ROLE docs_owner",
        "SELECT lo_import('/etc/passwd')",
        "COPY docs.page TO PROGRAM 'cat'",
    ],
)
async def test_the_reader_cannot_step_out_of_its_role(knowledge: Knowledge, statement: str) -> None:
    reader = await asyncpg.connect(knowledge.reader_url)
    try:
        with pytest.raises(
            (asyncpg.InsufficientPrivilegeError, asyncpg.ReadOnlySQLTransactionError)
        ):
            await reader.execute(statement)
    finally:
        await reader.close()


async def test_groups_that_no_page_can_name_open_nothing(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(tmp_path, "a/closed.md", "Zirconium.", groups=["finance"])
    await knowledge.load(tmp_path)
    hostile = ("x,finance", "x' , 'finance", "finance'; SELECT 1; --", "{finance}", "FINANCE", "")
    async with session(knowledge.reader_url, *hostile) as docs:
        found = await docs.call_tool("search_docs", {"query": "zirconium"})
    assert found.is_error
