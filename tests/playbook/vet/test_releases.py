from typing import Any

import pytest
from playbook.vet.recorded import ago, good, registry

from mcp_playbook.vet.rubric import Signal
from mcp_playbook.vet.signals.releases import signal


def of(*ages: float, **changed: Any) -> Signal:
    rows = [{"version": f"{n}.0", "time": ago(age), "yanked": False} for n, age in enumerate(ages)]
    return signal(good(registry=registry(**{"releases": rows} | changed)))


@pytest.mark.parametrize(
    ("age", "points"), [(1, 5), (90, 5), (91, 3), (180, 3), (181, 1), (365, 1), (366, 0)]
)
def test_the_last_release_makes_points_by_its_age_at_the_fetch(age: float, points: float) -> None:
    assert of(age).parts[0].points == points


@pytest.mark.parametrize(("count", "points"), [(4, 3), (3, 2), (1, 2)])
def test_releases_of_a_year_make_points(count: int, points: float) -> None:
    assert of(*range(1, count + 1), 400).parts[1].points == points


def test_half_a_year_of_history_makes_points() -> None:
    assert of(10, 179).parts[2].points == 0
    assert of(10, 180).parts[2].points == 2


def test_a_yanked_release_is_none() -> None:
    rows = [
        {"version": "1", "time": ago(300), "yanked": False},
        {"version": "2", "time": ago(2), "yanked": True},
    ]
    found = of(releases=rows)
    assert found.parts[0].points == 1
    assert "1 withdrawn" in found.parts[0].value


def test_a_release_after_the_fetch_is_none() -> None:
    """Dates are compared with the time of the record: an old record must not look like abandonment."""
    assert of(-30, 80).parts[0].points == 5
    assert "80 days before the fetch" in of(-30, 80).parts[0].value


def test_dates_of_a_copy_are_unknown_even_when_they_look_good() -> None:
    found = of(1, 2, 3, 400, dated=False)
    assert (found.known, found.maximum) == (0, 10)
    assert of(1, 2, 3, 400).known == 10


def test_without_an_index_entry_it_is_unknown() -> None:
    assert signal(good("registry")).known == 0
