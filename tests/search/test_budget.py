"""What a question leaves unread does not show in its answer, or only where that is meant."""

import asyncpg
import pytest
import pytest_asyncio
from search.corpus import Corpus
from servers.docs.reading import Knowledge

from mcp_docs import ranking
from mcp_docs.load import store
from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf

QUESTIONS = 12
BOUND = "WHERE best + gain + least("


@pytest_asyncio.fixture
async def asked(knowledge: Knowledge) -> list[str]:
    corpus = Corpus(300)
    pages = list(corpus.made())
    connection = await asyncpg.connect(knowledge.admin_url)
    await store.save(connection, pages, [], [])
    await connection.close()
    return corpus.questions(QUESTIONS)


async def answers(knowledge: Knowledge, asked: list[str], limit: int) -> list[list[str]]:
    groups = ["everyone", "g01", "g02", "g03", "g04"]
    async with open_shelf(Settings(database_url=knowledge.reader_url)) as shelf:
        return [
            [hit.doc_id for hit in found.results]
            for query in asked
            if (
                found := await shelf.search(
                    groups, query, collection=None, updated_within_days=None, limit=limit
                )
            )
        ]


async def test_pages_that_nothing_could_lift_are_left_alone_and_the_order_stays(
    knowledge: Knowledge, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "MAX_POSTINGS", 30)
    bounded = [await answers(knowledge, asked, limit) for limit in (1, 5, 20)]
    assert BOUND in ranking.RANKED
    monkeypatch.setattr(
        ranking, "RANKED", ranking.RANKED.replace(BOUND, f"WHERE true OR {BOUND[6:]}")
    )
    assert [await answers(knowledge, asked, limit) for limit in (1, 5, 20)] == bounded


async def test_common_words_find_pages_where_reading_them_is_cheap(
    knowledge: Knowledge, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A budget that nothing exceeds changes nothing; a small one finds fewer pages, and some."""
    everything = await answers(knowledge, asked, 50)
    monkeypatch.setattr(ranking, "MAX_POSTINGS", 10**9)
    assert await answers(knowledge, asked, 50) == everything
    monkeypatch.setattr(ranking, "MAX_POSTINGS", 30)
    fewer = await answers(knowledge, asked, 50)
    assert all(fewer)
    assert sum(map(len, fewer)) < sum(map(len, everything))
