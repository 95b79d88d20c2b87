"""The judgements are worth something: enough of them, of pages that exist, for people who may read them."""

from collections import Counter

from search.judgements import FILE, KINDS, questions
from servers.docs.reading import Knowledge

from mcp_docs.text import visible


def test_there_are_enough_and_of_every_kind() -> None:
    count = Counter(one.kind for one in questions())
    assert set(count) == set(KINDS)
    assert sum(count.values()) >= 60
    assert count["none"] >= 0.08 * len(questions())
    assert count["typo"] >= 5
    assert count["hidden"] >= 5


def test_a_question_is_judged_or_has_no_answer() -> None:
    asked = [(one.ask, one.groups) for one in questions()]
    assert len(set(asked)) == len(asked)
    for one in questions():
        assert one.ask == visible(one.ask)
        assert set(one.pages.values()) <= {1, 2}
        assert bool(one.pages) == (one.kind in {"plain", "typo"}) or one.kind == "hidden"
        assert bool(one.hidden) == (one.kind == "hidden")
        if one.kind in {"plain", "typo"}:
            assert 2 in one.pages.values(), one.ask


async def test_judged_pages_exist_and_are_for_those_who_ask(handbook: Knowledge) -> None:
    rows = await handbook.rows(
        "SELECT doc_id, groups FROM docs.page JOIN docs.audience ON audience.id = audience_id"
    )
    groups = {row["doc_id"]: set(row["groups"]) for row in rows}
    for one in questions():
        for page in one.pages:
            assert groups[page] & set(one.groups), f"{one.ask}: {page}"
        for page in one.hidden:
            assert not groups[page] & set(one.groups), f"{one.ask}: {page}"


async def test_most_of_the_handbook_is_asked_about(handbook: Knowledge) -> None:
    (row,) = await handbook.rows("SELECT count(*) AS pages FROM docs.page")
    judged = {page for one in questions() for page in one.pages}
    assert len(judged) >= 0.75 * row["pages"], FILE
