"""D09: whether a page exists, by any difference in an answer through the gateway, or in its time."""

import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from attacks.oracle import Told
from attacks.test_authorization_names import FAR, SAMPLE, WIDE, distance
from house.backends import counted_server
from house.conftest import Opened
from house.house import META, RECEIPT, House
from people import Issuer, running_issuer
from servers.docs.reading import Knowledge, write

from mcp_docs.server import build
from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf
from mcp_gateway.configuration.settings import Rate
from mcp_gateway.limits import throttle
from mcp_gateway.protocol import encode_header
from mcp_shared import serve

POLICY = """
tools:
  search_docs: { roles: [analyst, sales] }
  read_doc: { roles: [analyst, sales] }
  list_collections: { roles: [analyst, sales] }
prompts: {}
resources:
  "docs://*": { roles: [analyst, sales] }
"""
# the same words, which are on pages Ana may read
HIDDEN, ABSENT = "finance/margin-report", "finance/report-margin"


@pytest.fixture(autouse=True)
def guessing_is_not_slowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "UNKNOWN_RATE", Rate(calls=1_000_000, seconds=1))


@pytest.fixture(scope="module")
def issuer(run_folder: Path) -> Iterator[Issuer]:
    with running_issuer(run_folder / "issuer-docs", servers=("docs",)) as running:
        yield running


@pytest_asyncio.fixture
async def library(handbook: Knowledge, issuer: Issuer, opened: Opened) -> AsyncIterator[House]:
    """The knowledge base behind a gateway. Ana is an analyst; finance pages are not for her."""
    server = build(Settings(database_url=handbook.reader_url))
    locks = {"docs": await serve.definitions(server)}
    async with (
        counted_server(issuer, server, name="docs") as docs,
        opened(docs, policies={"docs": POLICY}, extra=WIDE, locks=locks) as home,
    ):
        yield home


def plain(answer: Any, *asked: str) -> tuple[int, list[tuple[str, str]], str]:
    """An answer as it went over the wire, without its receipt and what the caller had said."""
    document = answer.json()
    for holder in (document.get("result", {}).get("_meta"), document.get("error", {}).get("data")):
        if holder:
            holder.pop(RECEIPT, None)
    text = json.dumps(document)
    for one in asked:
        text = text.replace(one, "…")
    headers = [pair for pair in answer.headers.multi_items() if pair[0] != "content-length"]
    return answer.status_code, headers, text


async def pair(library: House, told: Told, method: str, make: Any) -> list[Any]:
    return [
        told.answer(await ask(method, make(name)))
        for ask in (library.post, library.legacy)
        for name in (HIDDEN, ABSENT)
    ]


async def test_D09_a_hidden_page_and_none_are_told_alike_in_every_byte(library: House) -> None:
    told = Told()
    shapes: list[tuple[str, Any]] = [
        ("resources/read", lambda name: {"uri": f"docs://{name}"}),
        ("resources/read", lambda name: {"uri": f"docs://{name}?x=1"}),
        ("resources/read", lambda name: {"uri": f"docs://{name}#top"}),
        ("resources/read", lambda name: {"uri": f"DOCS://{name}"}),
        ("tools/call", lambda name: {"name": "docs_read_doc", "arguments": {"doc_id": name}}),
        ("tools/call", lambda name: {"name": "docs_read_doc", "arguments": {"doc_id": f"docs://{name}"}}),
        ("tools/call", lambda name: {"name": "docs_read_doc", "arguments": {"doc_id": name, "section": "Method"}}),
        ("tools/call", lambda name: {"name": "docs_read_doc", "arguments": {"doc_id": name, "offset": 10}}),
        ("tools/call", lambda name: {"name": "docs_search_docs", "arguments": {"query": name, "collection": "finance"}}),
        ("completion/complete", lambda name: {
            "ref": {"type": "ref/resource", "uri": "docs://{collection}/{doc_id}"},
            "argument": {"name": "doc_id", "value": name},
        }),
    ]  # fmt: skip
    for method, make in shapes:
        modern_hidden, modern_absent, old_hidden, old_absent = await pair(
            library, told, method, make
        )
        for hidden, absent in ((modern_hidden, modern_absent), (old_hidden, old_absent)):
            assert plain(hidden, HIDDEN) == plain(absent, ABSENT), (method, make("x"))
            for header in ("etag", "last-modified", "location", "vary", "age"):
                assert header not in hidden.headers or header == "vary"
    own = await library.post("resources/read", {"uri": "docs://policies/refund-policy"})
    assert "# Refund policy" in own.text


async def test_D09_a_header_that_names_another_page_tells_nothing_of_either(
    library: House,
) -> None:
    answers = set()
    for named in (HIDDEN, ABSENT, "policies/refund-policy"):
        for said in (HIDDEN, ABSENT, "policies/refund-policy"):
            if named == said:
                continue
            answer = await library.post(
                "resources/read", {"uri": f"docs://{said}", "_meta": META},
                headers={"mcp-name": encode_header(f"docs://{named}")},
            )  # fmt: skip
            answers.add(repr(plain(answer, f"docs://{said}", f"docs://{named}")))
    assert len(answers) == 1


async def test_D09_a_hidden_page_takes_as_long_as_none(library: House) -> None:
    names = {"hidden": HIDDEN, "absent": ABSENT, "own": "policies/refund-policy"}
    took: dict[str, list[float]] = {kind: [] for kind in names}
    for name in names.values():
        await library.post("resources/read", {"uri": f"docs://{name}"})
    for _ in range(SAMPLE):
        for kind in random.sample(list(names), len(names)):
            started = time.perf_counter()
            await library.post("resources/read", {"uri": f"docs://{names[kind]}"})
            took[kind].append(time.perf_counter() - started)
    assert distance(took["hidden"], took["absent"]) < FAR


async def test_D09_a_word_of_hidden_pages_takes_as_long_as_a_word_of_none(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """Three hundred hidden pages that have it; and a word of as many open pages is told apart."""
    for number in range(300):
        write(tmp_path, f"a/h{number}.md", f"Zirconium {number}.", groups=["finance"])
        write(tmp_path, f"a/o{number}.md", f"Bearing {number}, " + "one part of many. " * 40)
    await knowledge.load(tmp_path)
    words = {"hidden": "zirconium", "absent": "plutonium", "own": "bearing"}
    took: dict[str, list[float]] = {kind: [] for kind in words}
    async with open_shelf(Settings(database_url=knowledge.reader_url)) as shelf:
        for turn in range(SAMPLE + 5):
            for kind in random.sample(list(words), len(words)):
                started = time.perf_counter()
                await shelf.search(
                    ["everyone"], words[kind], collection=None, updated_within_days=None, limit=50
                )
                if turn >= 5:  # the first open connections
                    took[kind].append(time.perf_counter() - started)
    assert distance(took["hidden"], took["absent"]) < FAR
    assert distance(took["own"], took["absent"]) > FAR
