"""A load writes what changed, all of it or nothing, and what is counted stays what is there."""

import asyncio
import os
import random
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from servers.docs.reading import Knowledge, session, write

from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf

COUNTED = """
WITH counted AS (
    SELECT term, audience_id, count(*) AS sections, count(*) FILTER (WHERE weight >= 3) AS outstanding
    FROM docs.posting GROUP BY 1, 2
)
(TABLE counted EXCEPT SELECT term, audience_id, sections, outstanding FROM docs.word)
UNION ALL
(SELECT term, audience_id, sections, outstanding FROM docs.word EXCEPT TABLE counted)
"""
# each word that is counted, once, and no number
VOCABULARY = """
(SELECT term FROM docs.term EXCEPT SELECT term FROM docs.word WHERE term !~ '[0-9]')
UNION ALL (SELECT term FROM docs.word WHERE term !~ '[0-9]' EXCEPT SELECT term FROM docs.term)
"""
TOTALS = """
SELECT a.groups, a.sections, a.words, t.sections, t.words
FROM docs.audience a
FULL JOIN (
    SELECT audience_id, count(*) AS sections, sum(words) AS words FROM (
        SELECT s.audience_id, s.id, sum(p.weight)::int8 AS words
        FROM docs.section s JOIN docs.posting p ON p.section_id = s.id GROUP BY 1, 2
    ) AS each GROUP BY 1
) AS t ON t.audience_id = a.id
WHERE (a.sections, a.words) IS DISTINCT FROM (t.sections, t.words)
"""
WORDS = ["bearing", "price", "margin", "steel", "hose", "valve"]


async def test_counts_follow_whatever_comes_changes_and_goes(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    chance = random.Random(7)
    write(tmp_path, "a/always.md", "Anchor.")
    for _ in range(12):
        for number in range(6):
            path, turn = tmp_path / "a" / f"p{number}.md", chance.random()
            if turn < 0.25:
                path.unlink(missing_ok=True)
            elif turn < 0.75:
                words = " ".join(chance.choices(WORDS, k=8))
                groups = chance.choice([["everyone"], ["sales"], ["finance", "sales"]])
                write(
                    tmp_path, f"a/p{number}.md", f"# {words[:7]}\n\n{words}\n\n## B\n\nx.", groups
                )
        await knowledge.load(tmp_path)
        assert not await knowledge.rows(COUNTED)
        assert not await knowledge.rows(TOTALS)
        assert not await knowledge.rows(VOCABULARY)
    assert await knowledge.rows("SELECT FROM docs.word WHERE term = 'bear'")


async def test_what_did_not_change_is_not_written(knowledge: Knowledge, tmp_path: Path) -> None:
    for number in range(20):
        write(tmp_path, f"a/p{number}.md", f"Bearing {number}.")
    await knowledge.load(tmp_path)
    rows = (
        "SELECT p.doc_id, p.xmin::text, s.xmin::text, min(o.xmin::text), max(o.xmin::text)"
        " FROM docs.page p JOIN docs.section s ON s.page_id = p.id"
        " JOIN docs.posting o ON o.section_id = s.id GROUP BY 1, 2, 3"
    )
    before = {row["doc_id"]: tuple(row) for row in await knowledge.rows(rows)}
    write(tmp_path, "a/p3.md", "Bearing, price.")
    (tmp_path / "a" / "p4.md").unlink()
    await knowledge.load(tmp_path)
    after = {row["doc_id"]: tuple(row) for row in await knowledge.rows(rows)}
    assert {one for one in before if after.get(one) != before[one]} == {"a/p3", "a/p4"}


async def waited_for(knowledge: Knowledge, process: subprocess.Popen[bytes]) -> None:
    """Until the loader stands before a lock."""
    async with asyncio.timeout(30):
        while not await knowledge.rows("SELECT FROM pg_locks WHERE NOT granted"):
            assert process.poll() is None, "it went through"
            await asyncio.sleep(0.02)


async def told(knowledge: Knowledge) -> bytes:
    async with session(knowledge.reader_url, "sales") as docs:
        answers = [
            await docs.call_tool("search_docs", {"query": query, "limit": 20})
            for query in ("bearing", "price", "berings", "gone")
        ]
        lists = [await docs.call_tool("list_collections"), await docs.list_resources()]
    return repr([answers, lists]).encode()


@pytest.mark.parametrize("table", ["word", "audience", "page", "section", "posting", "term"])
async def test_a_loader_that_is_killed_half_way_has_changed_nothing(
    knowledge: Knowledge, tmp_path: Path, table: str
) -> None:
    """Stopped before it writes each table; readers are not held up, and see what was before."""
    for number in range(5):
        write(tmp_path, f"a/p{number}.md", f"Bearing {number}.")
    write(tmp_path, "a/gone.md", "Gone.")
    await knowledge.load(tmp_path)
    before = await told(knowledge)
    (tmp_path / "a" / "gone.md").unlink()
    for number in range(3):
        write(tmp_path, f"a/p{number}.md", f"Bearing, price {number}.", ["sales"])
    blocker = await asyncpg.connect(knowledge.admin_url)
    try:
        async with blocker.transaction():
            await blocker.execute(f"LOCK TABLE docs.{table} IN SHARE MODE")
            loader = subprocess.Popen(  # noqa: ASYNC220
                [sys.executable, "-m", "mcp_docs.load", str(tmp_path)],
                env={**os.environ, "DOCS_ADMIN_URL": knowledge.admin_url},
                stdout=subprocess.DEVNULL,
            )
            try:
                await waited_for(knowledge, loader)
                assert await told(knowledge) == before
            finally:
                loader.kill()
                loader.wait()
    finally:
        await blocker.close()
    assert await told(knowledge) == before
    report = await knowledge.load(tmp_path)
    assert (report.changed, report.removed, report.unchanged) == (3, 1, 2)
    after = await told(knowledge)
    assert after != before
    assert b"a/gone" not in after
    assert not await knowledge.rows(COUNTED)


async def test_a_question_sees_one_state_though_a_load_ends_between_its_statements(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """The words are looked up first and the sections after: both of the same moment."""
    write(tmp_path, "a/p.md", "Bearing.")
    await knowledge.load(tmp_path)
    count = "SELECT count(*) FROM docs.posting WHERE term = 'bear'"
    async with open_shelf(Settings(database_url=knowledge.reader_url)) as shelf:
        async with shelf._reading(["everyone"]) as asking:
            assert await asking.fetchval(count) == 1
            write(tmp_path, "a/p.md", "Valve.")
            await knowledge.load(tmp_path)
            assert await asking.fetchval(count) == 1
        async with shelf._reading(["everyone"]) as asking:
            assert await asking.fetchval(count) == 0


async def test_two_loads_at_once_end_as_one_after_the_other(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    for number in range(10):
        write(tmp_path, f"a/p{number}.md", f"Bearing {number}.")
    results = await asyncio.gather(
        *(knowledge.load(tmp_path) for _ in range(3)), return_exceptions=True
    )
    assert not [one for one in results if isinstance(one, BaseException)]
    assert not await knowledge.rows(COUNTED)
    assert not await knowledge.rows(TOTALS)
    (row,) = await knowledge.rows("SELECT count(*) AS pages FROM docs.page")
    assert row["pages"] == 10


async def test_of_two_loads_of_different_trees_the_later_one_is_all_there_is(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """Neither removes what it saw before the other wrote, nor leaves what it did not see."""
    trees = [tmp_path / "older", tmp_path / "newer"]
    for number in range(6):
        write(trees[0], f"a/old{number}.md", f"Bearing {number}.")
        write(trees[1], f"a/new{number}.md", f"Valve {number}.")
        for tree in trees:
            write(tree, f"a/both{number}.md", f"Steel of {tree.name}.")
    await knowledge.load(trees[0])
    blocker = await asyncpg.connect(knowledge.admin_url)
    try:
        async with asyncio.TaskGroup() as loads, blocker.transaction():
            await blocker.execute("LOCK TABLE docs.page IN SHARE MODE")
            for tree in (trees[1], trees[0], trees[1]):
                loads.create_task(knowledge.load(tree))
            async with asyncio.timeout(30):
                while len(await knowledge.rows("SELECT FROM pg_locks WHERE NOT granted")) < 3:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
    finally:
        await blocker.close()
    rows = await knowledge.rows("SELECT doc_id, body FROM docs.page")
    of = {row["doc_id"]: row["body"] for row in rows}
    kept = {"old" if one.startswith("a/old") else "new" for one in of if "both" not in one}
    assert len(kept) == 1
    assert len(of) == 12
    assert {("newer" in body) for one, body in of.items() if "both" in one} == {kept == {"new"}}
    assert not await knowledge.rows(COUNTED)


async def test_a_page_that_moved_is_at_its_new_address_only(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(tmp_path, "a/old.md", "Bearing.")
    write(tmp_path, "b/stays.md", "Valve.")
    await knowledge.load(tmp_path)
    (tmp_path / "a" / "old.md").rename(tmp_path / "b" / "new.md")
    report = await knowledge.load(tmp_path)
    assert (report.added, report.removed, report.unchanged) == (1, 1, 1)
    async with session(knowledge.reader_url) as docs:
        found = await docs.call_tool("search_docs", {"query": "bearing"})
        assert found.structured_content is not None
        assert [hit["doc_id"] for hit in found.structured_content["results"]] == ["b/new"]
        assert (await docs.call_tool("read_doc", {"doc_id": "a/old"})).is_error
    assert not await knowledge.rows(COUNTED)
