from pathlib import Path

from servers.docs.reading import TODAY, Knowledge, session, write


async def test_counts_are_of_what_the_reader_may_see(knowledge: Knowledge, tmp_path: Path) -> None:
    write(tmp_path, "a/open.md", "Open.", title="Open", updated_days_ago=2, review_in_days=-1)
    write(tmp_path, "a/closed.md", "Closed.", groups=["finance"], title="Closed")
    write(tmp_path, "hidden/closed.md", "Closed.", groups=["finance"])
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url, "sales") as docs:
        seen = await docs.call_tool("list_collections")
    async with session(knowledge.reader_url, "finance") as docs:
        all_ = await docs.call_tool("list_collections")
    assert seen.structured_content is not None
    assert all_.structured_content is not None
    (only,) = seen.structured_content["collections"]
    assert (only["name"], only["pages"], only["overdue"]) == ("a", 1, 1)
    assert only["titles"] == ["Open"]
    assert (TODAY - TODAY.fromisoformat(only["newest"])).days == 2
    assert [(c["name"], c["pages"]) for c in all_.structured_content["collections"]] == [
        ("a", 2),
        ("hidden", 1),
    ]


async def test_an_empty_knowledge_base_has_none(knowledge: Knowledge) -> None:
    async with session(knowledge.reader_url) as docs:
        seen = await docs.call_tool("list_collections")
    assert seen.structured_content == {"collections": [], "more": False}
