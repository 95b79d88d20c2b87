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
    assert text(none) == (
        "No page matches there. Search without `collection` and `updated_within_days`, or use other words."
    )


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
    ("query", "why"),
    [
        ("zyzzyva", "has 'zyzzyva'. Use the words a policy would use"),
        ("'; DROP zyzzyva; --", "has 'DROP', 'zyzzyva;'."),
        ("zyzzyva the Qwxz", "has 'Qwxz', 'zyzzyva'."),
        ("the and of", "has no word to look for"),
        ("| & ! :*", "has no word to look for"),
        ("\x00", "has no word to look for"),
    ],
)
async def test_a_question_without_answer_is_told_why_and_what_next(
    handbook: Knowledge, query: str, why: str
) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        found = await docs.call_tool("search_docs", {"query": query})
    assert found.is_error
    assert why in text(found)


async def test_a_word_that_found_nothing_is_named_beside_what_the_others_found(
    handbook: Knowledge,
) -> None:
    """Else a model takes the best page about days for what is said about vacation."""
    async with session(handbook.reader_url, "sales") as docs:
        found = await docs.call_tool("search_docs", {"query": "Vacation, days"})
    assert found.structured_content is not None
    assert found.structured_content["unknown"] == ["Vacation,"]
    assert found.structured_content["results"]


async def test_a_hidden_word_and_one_that_nobody_wrote_are_unknown_alike(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(tmp_path, "a/open.md", "Bearing.")
    write(tmp_path, "a/hidden.md", "Zirconium hydraulics.", groups=["finance"])
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url) as docs:
        told = [
            text(await docs.call_tool("search_docs", {"query": query})).replace(query, "…")
            for query in ("zirconium", "plutonium", "zirconiumhydraulics", "plutoniumhydraulics")
        ]
    assert len(set(told)) == 1


async def test_names_are_found_by_their_parts_and_a_page_by_its_address(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(tmp_path, "a/tables.md", "Orders are in `sales.orders`, set GATEWAY_LEDGER_MODE first.")
    write(
        tmp_path, "a/links.md", "See [the other](gift-rules.md), the gift rules. Gift rules hold."
    )
    write(tmp_path, "a/gift-rules.md", "Coffee is fine.")
    write(tmp_path, "a/files.md", "The config.yaml of ana@larkfield.example.")
    await knowledge.load(tmp_path)
    wanted = {
        "sales.orders": "a/tables",
        "sales": "a/tables",
        "gateway_ledger_mode": "a/tables",
        "ledger mode": "a/tables",
        "docs://a/gift-rules": "a/gift-rules",
        "a/gift-rules": "a/gift-rules",
        "config": "a/files",
        "stocks.coffees": "a/gift-rules",
        "larkfield": "a/files",
    }
    async with session(knowledge.reader_url) as docs:
        for query, doc_id in wanted.items():
            found = await docs.call_tool("search_docs", {"query": query})
            assert found.structured_content is not None, query
            hit = found.structured_content["results"][0]
            assert hit["doc_id"] == doc_id, query
        found = await docs.call_tool("search_docs", {"query": "config larkfield"})
    assert found.structured_content is not None
    (hit,) = found.structured_content["results"]
    assert "The **config**.yaml of ana@**larkfield**.example" in hit["snippet"]


@pytest.mark.parametrize("query", ["zinsrechnungsprüfung", "Zinsrechnungsprüfung", "interestrates"])
async def test_two_words_written_as_one_are_found(
    knowledge: Knowledge, tmp_path: Path, query: str
) -> None:
    write(tmp_path, "a/zins.md", "Wer die Zinsrechnung macht, macht keine Prüfung.")
    write(tmp_path, "a/rates.md", "Interest follows published rates.")
    write(tmp_path, "a/other.md", "Bearing.")
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url) as docs:
        found = await docs.call_tool("search_docs", {"query": query})
    assert found.structured_content is not None
    (hit,) = found.structured_content["results"]
    assert hit["doc_id"] == ("a/rates" if query == "interestrates" else "a/zins")
    assert len(found.structured_content["also_searched"]) == 2


async def test_a_number_is_not_taken_for_another_one(knowledge: Knowledge, tmp_path: Path) -> None:
    write(tmp_path, "a/p.md", "Answer 500, priority P2222.")
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url) as docs:
        for query in ("503", "P2223"):
            assert (await docs.call_tool("search_docs", {"query": query})).is_error
        slip = await docs.call_tool("search_docs", {"query": "pri0rity"})
    assert slip.structured_content is not None
    assert slip.structured_content["also_searched"] == ["prioriti"]


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
