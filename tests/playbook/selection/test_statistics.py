"""The figures against values worked out by hand or known from tables."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_playbook.selection.statistics import auc, mcnemar, mean

SCORES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (1, 8, 0.0390625), (4, 4, 1.0)],
)
def test_mcnemar_is_the_exact_binomial(won: int, lost: int, p: float) -> None:
    assert mcnemar(won, lost) == pytest.approx(p)
    assert mcnemar(lost, won) == pytest.approx(p)


@pytest.mark.parametrize(
    ("higher", "lower", "area"),
    [([2.0], [1.0], 1.0), ([1.0], [2.0], 0.0), ([1.0], [1.0], 0.5), ([3.0, 1.0], [2.0, 0.0], 0.75)],
)
def test_auc_counts_pairs_in_the_right_order(
    higher: list[float], lower: list[float], area: float
) -> None:
    assert auc(higher, lower) == area


@given(SCORES, SCORES)
def test_auc_of_the_other_order_is_the_rest(one: list[float], other: list[float]) -> None:
    assert auc(one, other) + auc(other, one) == pytest.approx(1)


def test_nothing_to_average_is_no_number() -> None:
    assert math.isnan(mean([]).value)
    assert math.isnan(auc([], [1.0]))


def test_the_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = [1.0] * 30 + [0.0] * 50
    found = mean(values)
    assert found == mean(values)
    assert found.value == 0.375
    # the normal approximation gives 0.269 to 0.481
    assert found.low == pytest.approx(0.269, abs=0.02)
    assert found.high == pytest.approx(0.481, abs=0.02)


def test_values_that_agree_leave_no_doubt() -> None:
    assert (mean([1.0] * 5).low, mean([1.0] * 5).high) == (1.0, 1.0)
