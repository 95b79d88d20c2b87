from collections import Counter
from itertools import islice

import asyncpg
from search.bench import Took, line
from search.corpus import Corpus, percentile, slipped
from servers.docs.reading import Knowledge

from mcp_docs.load import store
from mcp_docs.settings import Settings
from mcp_docs.shelf import open_shelf


def test_the_same_seed_makes_the_same_pages_and_another_one_others() -> None:
    first, again, other = (list(islice(Corpus(50, seed).made(), 5)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_some_words_are_common_and_most_are_rare() -> None:
    pages = list(Corpus(500).made())
    texts = [set(page.body.split()) for page in pages]
    stands_in = Counter(word for text in texts for word in text if word.isalpha())
    assert stands_in.most_common(1)[0][1] > 0.9 * len(pages)
    assert sum(count == 1 for count in stands_in.values()) > 0.4 * len(stands_in)


def test_sections_are_where_the_text_is() -> None:
    for page in islice(Corpus(100).made(), 20):
        for section in page.sections:
            part = page.body[section.starts : section.stops]
            assert part.startswith(f"## {section.headings[0]}\n\n")
            assert part.endswith(".\n\n")


def test_a_slip_changes_a_word_and_keeps_its_letters() -> None:
    corpus = Corpus(10)
    for word in corpus.words[:50]:
        slip = slipped(word, corpus.chance)
        assert slip[0] == word[0]
        assert sorted(slip) == sorted(word)


def test_figures_are_read_off_the_right_place() -> None:
    assert percentile(range(100), 0.5) == 50
    assert percentile([3, 1, 2], 0.99) == 3
    assert line("x", [Took(1, 2), Took(3, 4)]) == "| x | 3.0 | 3.0 | 3.0 | 4.0 | 4.0 | 4.0 |"


async def test_its_pages_go_in_as_the_loader_puts_them_and_are_found(knowledge: Knowledge) -> None:
    corpus = Corpus(50)
    pages = list(corpus.made())
    connection = await asyncpg.connect(knowledge.admin_url)
    await store.save(connection, pages, [], [])
    await connection.close()
    async with open_shelf(Settings(database_url=knowledge.admin_url)) as shelf:
        found = await shelf.search(
            ["everyone"], pages[0].title, collection=None, updated_within_days=None, limit=5
        )
    assert found.results[0].doc_id == "c00/p0"
