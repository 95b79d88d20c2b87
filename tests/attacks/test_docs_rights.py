"""D03, D08: what a person may not read, through whatever search tells; and rights that were taken away."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import PromptReference, ResourceTemplateReference
from servers.docs.reading import Knowledge, session, write

from mcp_docs import ranking
from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf

# words that are slips of one another, kin of one another, rare, common
WORDS = [
    "bearing", "bearings", "beering", "price", "prices", "pricing", "prise", "margin", "margins",
    "zirconium", "zirconum", "hydraulic", "hydraulics", "steel", "steal", "the", "of",
]  # fmt: skip
PAGE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12)
QUERIES = (
    "bearing price",
    "beerings",
    "zirconium",
    "zirkonium",
    "margn of steel",
    "hydraulic prices the",
)


@dataclass(frozen=True)
class Corpus:
    seen: Sequence[tuple[Sequence[str], str]]
    hidden: Sequence[Sequence[str]]
    asked: Sequence[str]
    # asked as the superuser, whom row-level security does not bind: the statements must do
    alone: bool


CORPUS = st.builds(
    Corpus,
    seen=st.lists(st.tuples(PAGE, st.sampled_from(["everyone", "sales"])), min_size=1, max_size=6),
    hidden=st.lists(PAGE, min_size=1, max_size=8),
    asked=st.lists(PAGE.map(lambda words: " ".join(words[:4])), min_size=1, max_size=3),
    alone=st.booleans(),
)


async def told(url: str, queries: Sequence[str]) -> bytes:
    """Everything a person in sales can be told about the collections, as bytes."""
    groups = ["everyone", "sales"]
    said: list[object] = []
    async with open_shelf(Settings(database_url=url)) as shelf:
        for query in (*QUERIES, *queries):
            for limit in (1, 10):
                for collection, days in ((None, None), ("a", None), (None, 30)):
                    said.append(
                        await shelf.search(
                            groups, query,
                            collection=collection, updated_within_days=days, limit=limit,
                        )
                    )  # fmt: skip
        said += [await shelf.collections(groups), await shelf.entries(groups, "", 100)]
        said += [await shelf.page(groups, f"a/p{number}") for number in range(8)]
    return repr(said).encode()


async def indistinguishable(knowledge: Knowledge, root: Path, corpus: Corpus) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for number, (words, group) in enumerate(corpus.seen):
        write(root, f"a/p{number}.md", f"# {words[0]}\n\n{' '.join(words)}.", groups=[group])
    write(root, "b/q.md", "Steel.", groups=["finance"])
    await knowledge.load(root)
    url = knowledge.admin_url if corpus.alone else knowledge.reader_url
    without = await told(url, corpus.asked)
    hidden = [
        write(
            root,
            f"{'ab'[number % 2]}/h{number}.md",
            f"# {words[-1]}\n\n{' '.join([*words, *words])}. [x](p1.md)",
            groups=["finance", "people"],
        )
        for number, words in enumerate(corpus.hidden)
    ]
    await knowledge.load(root)
    assert await told(url, corpus.asked) == without
    for page in hidden:
        page.unlink()
    await knowledge.load(root)
    assert await told(url, corpus.asked) == without, "after they were removed"


@given(corpus=CORPUS)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_D03_with_and_without_hidden_pages_every_byte_is_the_same(
    knowledge: Knowledge, tmp_path: Path, corpus: Corpus
) -> None:
    """Results, their order, counts, snippets, suggestions, lists; also after hidden pages went."""
    asyncio.run(indistinguishable(knowledge, tmp_path / "tree", corpus))


async def test_D03_and_who_may_read_them_is_told_of_them(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """Else the property above would hold of a search that finds nothing."""
    write(tmp_path, "a/p0.md", "Bearing.")
    await knowledge.load(tmp_path)
    before = await told(knowledge.reader_url, ["bearing"])
    write(tmp_path, "a/p1.md", "Bearing, zirconium.", groups=["sales"])
    await knowledge.load(tmp_path)
    after = await told(knowledge.reader_url, ["bearing"])
    assert after != before
    assert after.count(b"a/p1") > before.count(b"a/p1")


async def test_D03_scores_are_the_same_to_the_last_digit(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """They are not shown; they order what is."""
    for number in range(40):
        write(tmp_path, f"a/p{number:02}.md", f"Bearing price {'steel ' * (number % 7)}margin.")
    await knowledge.load(tmp_path)
    before = await scores(knowledge)
    for number in range(60):
        write(tmp_path, f"a/h{number}.md", "Bearing bearing price margin.", groups=["finance"])
    await knowledge.load(tmp_path)
    assert await scores(knowledge) == before
    assert len(set(dict(before).values())) > 5


async def scores(knowledge: Knowledge) -> list[tuple[str, int]]:
    rows = await knowledge.rows(
        ranking.RANKED.replace(
            "SELECT page.doc_id, page.title", "SELECT shown.score, page.doc_id, page.title"
        ),
        ["everyone"], ["bear", "price", "margin"], ["1.0"] * 3, ["0", "1", "2"], None, None, 100, "'bear'", ranking.MAX_POSTINGS,
    )  # fmt: skip
    return [(row["doc_id"], row["score"]) for row in rows]


async def surface(docs: Client, canary: str) -> bytes:
    """Every way in there is, asked for one word."""
    said: list[object] = []

    async def ask(answer: object) -> None:
        try:
            said.append((await answer).model_dump_json())  # type: ignore[misc]
        except MCPError as error:
            said.append(repr(error.error))

    for query in (canary, canary[:-2], canary[:-1] + "n", f"{canary} price", "price", canary[:6]):
        for more in ({}, {"collection": "a"}, {"collection": "secret"}, {"limit": 50}):
            await ask(docs.call_tool("search_docs", {"query": query, **more}))
    for name in ("a/hidden", "secret/s", "a/open"):
        for more in ({}, {"section": canary}, {"section": "Part"}, {"offset": 1}):
            await ask(docs.call_tool("read_doc", {"doc_id": name, **more}))
        await ask(docs.read_resource(f"docs://{name}"))
    await ask(docs.call_tool("list_collections"))
    await ask(docs.list_resources())
    await ask(docs.list_resource_templates())
    await ask(docs.list_prompts())
    template = ResourceTemplateReference(uri="docs://{collection}/{doc_id}")
    for argument in ("collection", "doc_id"):
        for value in ("", "s", canary[:3]):
            await ask(docs.complete(template, {"name": argument, "value": value}))
    prompt = PromptReference(name="answer_from_handbook")
    await ask(docs.complete(prompt, {"name": "question", "value": canary[:3]}))
    return "\n".join(map(str, said)).encode()


async def test_D03_a_hidden_word_is_in_no_answer_whatever_is_asked(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """Result, snippet, highlight, count, collection, title, suggestion, completion."""
    canary = "zirconium"
    write(tmp_path, "a/open.md", "# Open\n\n## Part\n\nPrice of [x](hidden.md) zircon.")
    write(
        tmp_path, "a/hidden.md", f"# {canary}\n\n## {canary}\n\n{canary} price.",
        groups=["finance"], owner=f"{canary}-team",
    )  # fmt: skip
    write(tmp_path, "secret/s.md", f"{canary} price.", groups=["finance"])
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url, "sales") as docs:
        seen = await surface(docs, canary)
    async with session(knowledge.reader_url, "finance") as docs:
        all_ = await surface(docs, canary)
    # what was asked for may be repeated; what was not asked may not be known
    assert b"zirconium-team" not in seen
    assert b"zirconium price" not in seen
    assert b'"name":"secret"' not in seen
    assert b'"also_searched":["zirconium"' not in seen
    for found in (b"zirconium-team", b'"name":"secret"', b'"also_searched":["zirconium"'):
        assert found in all_


async def test_D03_there_is_no_sorting_by_what_cannot_be_read(handbook: Knowledge) -> None:
    async with session(handbook.reader_url, "sales") as docs:
        for argument in (
            "sort",
            "order_by",
            "facet",
            "fields",
            "group",
            "groups",
            "acl",
            "explain",
        ):
            answer = await docs.call_tool("search_docs", {"query": "refund", argument: "owner"})
            assert answer.is_error
            assert not answer.structured_content


# --- D08


async def finds(docs: Client, query: str) -> bool:
    return not (await docs.call_tool("search_docs", {"query": query})).is_error


async def test_D08_a_group_a_person_lost_opens_nothing_at_the_next_question(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """The same server, the same connections, nothing loaded in between."""
    write(tmp_path, "a/p.md", "Zirconium.", groups=["finance"])
    await knowledge.load(tmp_path)
    async with open_shelf(Settings(database_url=knowledge.reader_url, connections=1)) as shelf:
        for groups in (["everyone", "finance"], ["everyone"]) * 3:
            found = await shelf.search(
                groups, "zirconium", collection=None, updated_within_days=None, limit=5
            )
            assert len(found.results) == found.total == ("finance" in groups)
            assert (await shelf.page(groups, "a/p") is not None) == ("finance" in groups)
            assert len(await shelf.entries(groups, "", 9)) == ("finance" in groups)


async def test_D08_a_page_that_was_closed_is_closed_for_those_who_are_reading(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    page = write(tmp_path, "a/p.md", "Zirconium.", groups=["sales"])
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url, "sales") as docs:
        assert await finds(docs, "zirconium")
        write(tmp_path, page.relative_to(tmp_path).as_posix(), "Zirconium.", groups=["finance"])
        await knowledge.load(tmp_path)
        assert not await finds(docs, "zirconium")
        assert (await docs.call_tool("read_doc", {"doc_id": "a/p"})).is_error
        assert not await finds(docs, "zirconum")  # nor by a slip


async def test_D08_rights_are_looked_up_when_reading_not_when_indexing(
    knowledge: Knowledge, tmp_path: Path
) -> None:
    """One row says who an audience is: changed, it holds for pages, postings and words at once."""
    write(tmp_path, "a/p.md", "Zirconium.", groups=["sales"])
    await knowledge.load(tmp_path)
    admin = await asyncpg.connect(knowledge.admin_url)
    try:
        async with session(knowledge.reader_url, "sales") as docs:
            assert await finds(docs, "zirconium")
            await admin.execute("UPDATE docs.audience SET groups = '{finance}'")
            assert not await finds(docs, "zirconium")
            assert (await docs.call_tool("read_doc", {"doc_id": "a/p"})).is_error
    finally:
        await admin.close()


@pytest.mark.parametrize("groups", [["finance "], ["Finance"], ["finance,x"], ["/x/finance"], [""]])
async def test_D08_a_group_that_only_looks_like_one_opens_nothing(
    knowledge: Knowledge, tmp_path: Path, groups: list[str]
) -> None:
    write(tmp_path, "a/p.md", "Zirconium.", groups=["finance"])
    await knowledge.load(tmp_path)
    async with session(knowledge.reader_url, *groups) as docs:
        assert not await finds(docs, "zirconium")
