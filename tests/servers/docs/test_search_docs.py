from pathlib import Path

import pytest
from servers.docs.reading import Knowledge, session, text, write


async def test_a_hit_says_where_it_stands_how_old_it_is_and_who_owns_it(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(
        tmp_path, "rules/gifts.md", "# Gifts\n\nIntro.\n\n## Limits\n\nCoffee is fine, yachts are not.",
        owner="people-team", review_in_days=-2, updated_days_ago=40,
    )  # fmt: skip
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url) as docs:
        found = await docs.call_tool("search_docs", {"query": "yacht"})
    assert found.structured_content is not None
    (hit,) = found.structured_content["results"]
    assert hit["doc_id"] == "rules/gifts"
    assert hit["section"] == "Limits"
    assert "**yachts**" in hit["snippet"]
    assert (hit["owner"], hit["url"]) == ("people-team", "docs://rules/gifts")
    assert hit["warning"].startswith("Review overdue since ")
    assert (found.structured_content["total"], found.structured_content["more"]) == (1, False)


async def test_collection_and_age_narrow_the_search(knowledge: Knowledge, tmp_path: Path) -> None:
    write(tmp_path, "a/old.md", "Torque table.", updated_days_ago=200)
    write(tmp_path, "a/new.md", "Torque table.", updated_days_ago=90)
    write(tmp_path, "b/other.md", "Torque table.", updated_days_ago=1)
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url) as docs:
        found = await docs.call_tool(
            "search_docs", {"query": "torque", "collection": "a", "updated_within_days": 90}
        )
        assert found.structured_content is not None
        assert [hit["doc_id"] for hit in found.structured_content["results"]] == ["a/new"]
        none = await docs.call_tool("search_docs", {"query": "torque", "collection": "c"})
    assert none.is_error
    assert text(none) == "No page matches. Search all collections and ages, or use other words."


async def test_results_are_capped_and_say_so(knowledge: Knowledge, tmp_path: Path) -> None:
    for number in range(120):
        write(tmp_path, f"a/p{number:03}.md", f"Bolt number {number}.")
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url) as docs:
        found = await docs.call_tool("search_docs", {"query": "bolt", "limit": 50})
    assert found.structured_content is not None
    assert len(found.structured_content["results"]) == 50
    assert (found.structured_content["total"], found.structured_content["more"]) == (100, True)


@pytest.mark.parametrize(
    "query", ["zyzzyva", "the and of", "'; DROP zyzzyva; --", "| & ! :*", "\x00"]
)
async def test_a_question_without_answer_is_said_to_have_none(
    handbook: Knowledge, query: str
) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        found = await docs.call_tool("search_docs", {"query": query})
    assert found.is_error
    assert text(found).startswith("No page matches.")


async def test_bad_arguments_come_back_together(handbook: Knowledge) -> None:
    async with session(handbook.reader_url) as docs:
        found = await docs.call_tool(
            "search_docs",
            {"query": "x" * 201, "limit": 51, "updated_within_days": 0, "colection": "a"},
        )
    assert found.is_error
    for path in ("$.query", "$.limit", "$.updated_within_days", "$.colection"):
        assert path in text(found)
    assert "Did you mean 'collection'?" in text(found)
