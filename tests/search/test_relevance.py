"""The ranking keeps what it reached: on the judged questions, beside the rankings it was chosen over."""

import tomllib
from pathlib import Path

import pytest
import pytest_asyncio
from search.evaluation import OURS, Asked, beside, evaluated, reached, score, table
from search.judgements import questions
from servers.docs.reading import Knowledge

FLOOR = tomllib.loads(Path(__file__).with_name("floor.toml").read_text("utf-8"))


@pytest_asyncio.fixture(scope="module")
async def answers(handbook: Knowledge) -> dict[str, list[Asked]]:
    return await evaluated(handbook, questions())


async def test_the_ranking_is_as_good_as_it_was(answers: dict[str, list[Asked]]) -> None:
    figure = score(answers[OURS])
    assert figure >= FLOOR["least"]
    assert figure >= FLOOR["ndcg_at_10"] - FLOOR["margin"], "\n".join(table(answers))
    assert reached(answers[OURS]) >= FLOOR["recall_at_50"] - FLOOR["margin"]


async def test_a_better_figure_is_stored(answers: dict[str, list[Asked]]) -> None:
    """Else the margin is spent twice: a gain nobody wrote down may be lost again."""
    assert score(answers[OURS]) <= FLOOR["ndcg_at_10"] + FLOOR["margin"]


async def test_it_is_better_than_what_it_was_chosen_over(answers: dict[str, list[Asked]]) -> None:
    for name, other in answers.items():
        if name != OURS:
            assert score(answers[OURS]) > score(other), name


async def test_it_finds_what_others_find_by_words_that_mean_something(
    answers: dict[str, list[Asked]],
) -> None:
    assert reached(answers[OURS]) > reached(answers["and without stop words"])


async def test_slips_of_the_fingers_cost_little(answers: dict[str, list[Asked]]) -> None:
    assert score(answers[OURS], "typo") > 0.85


async def test_nobody_is_shown_a_page_that_is_not_for_them(
    answers: dict[str, list[Asked]],
) -> None:
    for one in answers[OURS]:
        assert not set(one.found) & set(one.question.hidden), one.question.ask


async def test_the_table_has_a_line_for_every_ranking(answers: dict[str, list[Asked]]) -> None:
    assert len(table(answers)) == 4 + len(answers)
    assert all("| nan" not in line and "*nan" not in line for line in table(answers))
    assert len(beside(answers)) == len(answers) - 1


def test_a_ranking_that_forgets_a_page_is_scored_lower() -> None:
    judged = next(one for one in questions() if one.pages)
    right = Asked(judged, list(judged.pages), 1)
    assert score([right]) == 1
    with pytest.raises(AssertionError):
        assert score([right, Asked(judged, [], 1)]) >= FLOOR["ndcg_at_10"]
