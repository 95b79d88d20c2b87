"""A line of the policy takes a field out of an answer, whichever server it is; here, the docs."""

from pathlib import Path

import pytest
from servers.docs.reading import Knowledge, session, text

POLICY = """
tools:
  search_docs: {roles: [sales], mask: {"$.results[*].owner": [sales], "$.results[*].snippet": []}}
  read_doc: {roles: [sales], mask: {$.text: [sales], "$.sections[*]": [sales]}}
"""
WORDS = "handbook discount"


async def test_masked_fields_of_pages_do_not_leave_the_server(
    handbook: Knowledge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with session(handbook.reader_url, "everyone") as client:
        found = await client.call_tool("search_docs", {"query": WORDS})
        hit = (found.structured_content or {})["results"][0]
        page = await client.call_tool("read_doc", {"doc_id": hit["doc_id"]})
    body = (page.structured_content or {})["text"]
    (tmp_path / "policy.yaml").write_text(POLICY)
    monkeypatch.setenv("MCP_POLICY", str(tmp_path / "policy.yaml"))
    async with session(handbook.reader_url, "everyone") as client:
        found = await client.call_tool("search_docs", {"query": WORDS})
        page = await client.call_tool("read_doc", {"doc_id": hit["doc_id"]})
    masked = (found.structured_content or {})["results"][0]
    assert masked == {**hit, "owner": "(masked)", "snippet": "(masked)"}
    assert hit["snippet"] not in found.model_dump_json()
    assert "Masked for the person's role: results[*].owner, results[*].snippet." in text(found)
    assert not page.is_error
    assert body[:60] not in page.model_dump_json()
    assert (page.structured_content or {})["text"] == "(masked)"
