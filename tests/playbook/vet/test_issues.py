import pytest
from hypothesis import given
from hypothesis import strategies as st
from playbook.vet.recorded import NOW, ago, good, issues

from mcp_playbook.vet.collect import forge
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.rubric import Signal
from mcp_playbook.vet.signals.issues import Wait, median_days, signal, waited


def of(*waits: float | None, opened: float = 100.0) -> Signal:
    return signal(good(issues=issues(*waits, opened=opened)))


@pytest.mark.parametrize(
    ("days", "points"),
    [(0.1, 15), (2, 15), (2.1, 11), (7, 11), (8, 8), (14, 8), (20, 4), (30, 4), (31, 0)],
)
def test_the_median_makes_the_points(days: float, points: float) -> None:
    assert of(*[days] * 5).points == points


def test_under_five_issues_is_unknown() -> None:
    assert of(1.0, 1.0, 1.0, 1.0).known == 0
    assert of(1.0, 1.0, 1.0, 1.0, 1.0).known == 15


def test_issues_nobody_answered_lengthen_the_median() -> None:
    """Left out, they would flatter: three quick answers, and seven that never came."""
    assert of(1.0, 1.0, 1.0).known == 0
    found = of(1.0, 1.0, 1.0, *[None] * 7)
    assert (found.points, found.known) == (0, 15)


def test_young_issues_without_an_answer_say_nothing_yet() -> None:
    assert of(*[None] * 8, opened=5.0).known == 0
    assert of(*[None] * 8, opened=40.0).known == 15


def test_issues_older_than_the_window_do_not_count() -> None:
    assert of(*[1.0] * 9, opened=181.0).known == 0


def test_an_issue_closed_without_an_answer_waited_until_then() -> None:
    (one,) = waited([{"opened": ago(50), "answered": None, "closed": ago(45)}], NOW)
    assert (one.days, one.answered) == (5.0, False)


def test_an_answer_after_the_closing_is_none() -> None:
    (one,) = waited([{"opened": ago(50), "answered": ago(40), "closed": ago(45)}], NOW)
    assert (one.days, one.answered) == (5.0, False)


def test_the_median_is_that_of_kaplan_and_meier() -> None:
    """Freireich's leukaemia trial of 1963, the 6-MP arm: a textbook sample whose median is 23 weeks."""
    relapsed = [6, 6, 6, 7, 10, 13, 16, 22, 23]
    censored = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    waits = [Wait(n, answered=True) for n in relapsed] + [Wait(n, answered=False) for n in censored]
    assert median_days(waits) == 23


@given(st.lists(st.floats(0.01, 170), min_size=1, max_size=40))
def test_without_censoring_it_is_the_lower_median(days: list[float]) -> None:
    waits = [Wait(one, answered=True) for one in days]
    assert median_days(waits) == sorted(days)[(len(days) - 1) // 2]


@given(st.lists(st.tuples(st.floats(0.01, 170), st.booleans()), min_size=1, max_size=40))
def test_an_issue_more_without_an_answer_never_shortens_the_median(
    rows: list[tuple[float, bool]],
) -> None:
    waits = [Wait(days, answered=answered) for days, answered in rows]
    before = median_days(waits) or float("inf")
    after = median_days([*waits, Wait(170.0, answered=False)]) or float("inf")
    assert after >= before


def test_the_forge_s_answer_is_reduced_to_moments() -> None:
    outsider = {"author_association": "NONE", "user": {"login": "ana", "type": "User"}}
    member = {"author_association": "MEMBER", "user": {"login": "ben", "type": "User"}}
    bot = {"author_association": "MEMBER", "user": {"login": "robot", "type": "Bot"}}
    answer = {
        "issues": [
            [{"number": 1, "created_at": ago(9), "closed_at": None, **outsider}],
            [
                {"number": 2, "created_at": ago(9), "pull_request": {}, **outsider},
                {"number": 3, "created_at": ago(9), **member},
                {"number": 4, "created_at": ago(9), **bot},
            ],
        ],
        "comments": [
            {"issue_url": "https://api/issues/1", "created_at": ago(8), **bot},
            {"issue_url": "https://api/issues/1", "created_at": ago(7), **outsider},
            {"issue_url": "https://api/issues/1", "created_at": ago(5), **member},
            {"issue_url": "https://api/issues/1", "created_at": ago(6), **member},
        ],
    }
    assert forge.issues(answer) == [{"opened": ago(9), "answered": ago(6), "closed": None}]
    assert "ana" not in str(forge.issues(answer))


@pytest.mark.parametrize(
    "answer", [{}, {"issues": [], "comments": [1]}, {"issues": [{}], "comments": []}]
)
def test_an_answer_of_another_shape_is_said_to_be_one(answer: dict[str, object]) -> None:
    with pytest.raises(NotHadError, match="issues"):
        forge.issues(answer)
