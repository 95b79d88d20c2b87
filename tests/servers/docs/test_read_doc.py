from pathlib import Path

import pytest
from servers.docs.reading import Knowledge, session, text, write

MISSING = (
    "There is no such page, or none you may read. Find it with search_docs and pass its doc_id."
)


async def test_a_page_is_read_whole_with_its_sections(handbook: Knowledge) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        read = await docs.call_tool("read_doc", {"doc_id": "docs://policies/discount-policy"})
    page = read.structured_content
    assert page is not None
    assert page["text"].startswith("# Discount policy\n")
    assert "docs://policies/credit-terms" in page["text"]
    assert "Retention discount for accounts that lost revenue > Conditions" in page["sections"]
    assert (page["classification"], page["owner"]) == ("internal", "sales-operations")
    assert (page["offset"], page["next_offset"], page["warning"]) == (0, None, None)


async def test_an_overdue_page_says_so(handbook: Knowledge) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        read = await docs.call_tool("read_doc", {"doc_id": "sales/frame-agreements"})
    assert read.structured_content is not None
    assert read.structured_content["warning"].startswith("Review overdue since ")


async def test_a_section_includes_what_is_below_it_and_nothing_else(handbook: Knowledge) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        read = await docs.call_tool(
            "read_doc",
            {"doc_id": "policies/discount-policy", "section": "retention discount for ACCOUNTS that lost revenue"},
        )  # fmt: skip
    assert read.structured_content is not None
    part = read.structured_content["text"]
    assert part.startswith("## Retention discount")
    assert "### Conditions" in part
    assert "## Ceiling" not in part


async def test_pages_put_together_are_the_page(handbook: Knowledge) -> None:
    parts: list[str] = []
    offset: int | None = 0
    async with session(handbook.reader_url) as docs:
        whole = await docs.call_tool("read_doc", {"doc_id": "policies/refund-policy"})
        while offset is not None:
            read = await docs.call_tool(
                "read_doc", {"doc_id": "policies/refund-policy", "offset": offset, "max_chars": 200}
            )
            assert read.structured_content is not None
            parts.append(read.structured_content["text"])
            offset = read.structured_content["next_offset"]
    assert whole.structured_content is not None
    assert len(parts) > 5
    assert "".join(parts) == whole.structured_content["text"]


async def test_an_offset_beyond_the_end_is_explained(handbook: Knowledge) -> None:
    async with session(handbook.reader_url) as docs:
        read = await docs.call_tool(
            "read_doc", {"doc_id": "policies/refund-policy", "offset": 1_000_000}
        )
    assert read.is_error
    assert "Pass a smaller offset" in text(read)


async def test_an_unknown_section_names_the_ones_there_are(handbook: Knowledge) -> None:
    async with session(handbook.reader_url) as docs:
        read = await docs.call_tool(
            "read_doc", {"doc_id": "policies/refund-policy", "section": "Nope"}
        )
    assert read.is_error
    assert "What we refund; Form of refund" in text(read)


@pytest.mark.parametrize(
    "doc_id",
    ["finance/margin-report", "finance/no-such-page", "../../../etc/passwd", "..%2f..%2fetc%2fpasswd",
     "%c0%ae%c0%ae/x", "..\\..\\secret", "/etc/passwd", "file:///etc/passwd", "docs://../x", "a\x00b",
     "finance/margin-report\x00", "FINANCE/MARGIN-REPORT", "x" * 200],
)  # fmt: skip
async def test_hidden_missing_and_hostile_addresses_read_the_same(
    handbook: Knowledge, doc_id: str
) -> None:
    async with session(handbook.reader_url, "analyst", "sales", "support", "operator") as docs:
        for extra in ({}, {"section": "Method"}, {"offset": 5}):
            read = await docs.call_tool("read_doc", {"doc_id": doc_id, **extra})
            assert read.is_error
            assert text(read) == MISSING


async def test_the_same_heading_twice_reads_its_first_place(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    write(tmp_path, "a/p.md", "# P\n\n## Do\n\nFirst.\n\n## Other\n\nMiddle.\n\n## Do\n\nSecond.")
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url) as docs:
        read = await docs.call_tool("read_doc", {"doc_id": "a/p", "section": "Do"})
    assert read.structured_content is not None
    assert read.structured_content["text"] == "## Do\n\nFirst.\n"
