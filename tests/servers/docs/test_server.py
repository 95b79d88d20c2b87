import json
import subprocess
import sys

import asyncpg
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent
from servers.docs.reading import Knowledge, session, text

from mcp_local.ports import free_port
from mcp_shared.contract import violations


def test_definitions_are_printed_without_a_database_and_keep_the_contract() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mcp_docs", "--definitions"],
        capture_output=True,
        text=True,
        check=True,
    )
    document = json.loads(done.stdout)
    names = [tool["name"] for tool in document["tools"]]
    assert names == ["search_docs", "read_doc", "list_collections"]
    assert {tool["name"]: violations(tool, names) for tool in document["tools"]} == {
        name: [] for name in names
    }
    assert document["resources"]
    assert [prompt["name"] for prompt in document["prompts"]] == ["answer_from_handbook"]


CALLS = {
    "search_docs": {"query": "refund"},
    "read_doc": {"doc_id": "policies/refund-policy"},
    "list_collections": {},
}


@pytest.mark.parametrize("tool", CALLS)
async def test_with_the_database_down_a_tool_says_so(tool: str) -> None:
    async with session(f"postgresql://docs_ro:x@127.0.0.1:{free_port()}/docs") as docs:
        result = await docs.call_tool(tool, CALLS[tool])
    assert result.is_error
    assert text(result).startswith("The knowledge base does not answer right now.")


async def test_with_the_database_down_resources_fail_without_detail() -> None:
    async with session(f"postgresql://docs_ro:x@127.0.0.1:{free_port()}/docs") as docs:
        for ask in (docs.list_resources(), docs.read_resource("docs://a/b")):
            with pytest.raises(MCPError, match=r"^The knowledge base does not answer right now\."):
                await ask


async def test_a_database_that_was_never_loaded_is_unavailable(database: str) -> None:
    async with session(database) as docs:
        result = await docs.call_tool("list_collections")
    assert text(result).startswith("The knowledge base does not answer")


async def test_the_server_works_again_after_its_connections_were_cut(handbook: Knowledge) -> None:
    cut = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'mcp-docs' AND datname = current_database()"
    )
    async with session(handbook.reader_url, "sales") as docs:
        assert not (await docs.call_tool("list_collections")).is_error
        await handbook.rows(cut)
        answers = [await docs.call_tool("list_collections") for _ in range(3)]
    assert not answers[-1].is_error


async def test_a_database_that_hangs_does_not_hold_the_caller(handbook: Knowledge) -> None:
    blocker = await asyncpg.connect(handbook.admin_url)
    try:
        async with blocker.transaction():
            await blocker.execute("LOCK TABLE docs.page IN ACCESS EXCLUSIVE MODE")
            async with session(handbook.reader_url, deadline_seconds=0.5) as docs:
                result = await docs.call_tool("list_collections")
    finally:
        await blocker.close()
    assert text(result).startswith("The knowledge base does not answer")


async def test_the_prompt_asks_for_citations(handbook: Knowledge) -> None:
    async with session(handbook.reader_url) as docs:
        prompt = await docs.get_prompt("answer_from_handbook", {"question": "May I accept a gift?"})
    content = prompt.messages[0].content
    assert isinstance(content, TextContent)
    for words in ("May I accept a gift?", "search_docs", "docs://", "overdue"):
        assert words in content.text
