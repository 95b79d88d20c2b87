import pytest
from playbook.vet.recorded import ago, days, good

from mcp_playbook.vet.rubric import Signal
from mcp_playbook.vet.signals import commits


def signal(**changed: object) -> Signal:
    return commits.signal(good(clone=days(0, **changed)))


@pytest.mark.parametrize(
    ("count", "points"), [(0, 0), (1, 8), (3, 8), (4, 14), (11, 14), (12, 20), (60, 20)]
)
def test_days_with_commits_make_the_points(count: int, points: float) -> None:
    assert commits.signal(good(clone=days(count))).points == points


def test_a_hundred_commits_of_one_day_are_one_day() -> None:
    found = signal(days=[{"day": ago(3)[:10], "commits": 100, "authors": [1]}])
    assert (found.points, found.known) == (8, 20)
    assert "1 days with commits by 1 people (100 commits" in found.parts[0].value


def test_what_lies_before_the_window_does_not_count() -> None:
    rows = [{"day": ago(n)[:10], "commits": 1, "authors": [1]} for n in range(91, 120)]
    assert signal(days=rows).points == 0


def test_a_shallow_clone_that_begins_within_the_window_is_unknown() -> None:
    assert signal(shallow_since=ago(30)[:10]).known == 0
    assert signal(shallow_since=ago(100)[:10]).known == 20


def test_without_a_clone_it_is_unknown_and_says_how_to_find_out() -> None:
    found = commits.signal(good("clone"))
    assert (found.points, found.known, found.maximum) == (0, 0, 20)
    assert "--clone" in found.parts[0].next
