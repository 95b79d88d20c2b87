from pathlib import Path

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, TextResourceContents
from servers.docs.reading import Knowledge, session, write


async def test_the_list_is_the_readers_own_and_comes_in_pages(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    for number in range(60):
        write(tmp_path, f"a/p{number:02}.md", "Text.", title=f"Page {number}")
    write(tmp_path, "a/hidden.md", "Text.", groups=["finance"])
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url, "sales") as docs:
        first = await docs.list_resources()
        second = await docs.list_resources(cursor=first.next_cursor)
        templates = await docs.list_resource_templates()
    uris = [str(one.uri) for one in (*first.resources, *second.resources)]
    assert uris == [f"docs://a/p{number:02}" for number in range(60)]
    assert (len(first.resources), second.next_cursor) == (50, None)
    assert first.resources[0].title == "Page 0"
    assert first.resources[0].mime_type == "text/markdown"
    assert [one.uri_template for one in templates.resource_templates] == [
        "docs://{collection}/{doc_id}"
    ]


async def test_a_resource_is_the_page(handbook: Knowledge) -> None:
    async with session(handbook.reader_url) as docs:
        read = await docs.read_resource("docs://policies/refund-policy")
    (content,) = read.contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/markdown"
    assert content.text.startswith("# Refund policy\n")


@pytest.mark.parametrize(
    "uri",
    ["docs://finance/margin-report", "docs://finance/none", "docs://../../etc/passwd",
     "docs://a/..%2f..%2fetc%2fpasswd", "docs://a/%00", "docs://a/b/c", "docs://a", "file:///etc/passwd",
     "docs://finance/margin-report?x=1", "nonsense"],
)  # fmt: skip
async def test_hidden_missing_and_hostile_resources_read_the_same(
    handbook: Knowledge, uri: str
) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        with pytest.raises(MCPError) as refused:
            await docs.read_resource(uri)
    assert refused.value.error.code == INVALID_PARAMS
    assert refused.value.error.message == "There is no such page, or none you may read."
    assert refused.value.error.data is None


@pytest.mark.parametrize("cursor", ["***", "/w==", "AA=="])
async def test_a_cursor_that_is_not_ours_is_refused(handbook: Knowledge, cursor: str) -> None:
    async with session(handbook.reader_url) as docs:
        with pytest.raises(MCPError, match="cursor"):
            await docs.list_resources(cursor=cursor)
