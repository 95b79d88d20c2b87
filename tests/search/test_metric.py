from math import log2

import pytest
from search.metric import dcg, difference, ndcg, recall

JUDGED = {"a": 2, "b": 1, "c": 1}


def test_the_best_order_is_one_and_nothing_found_is_zero() -> None:
    assert ndcg(["a", "b", "c", "x"], JUDGED) == 1
    assert ndcg(["a", "c", "b"], JUDGED) == 1
    assert ndcg(["x", "y"], JUDGED) == ndcg([], JUDGED) == 0


def test_a_figure_computed_by_hand() -> None:
    assert dcg([2, 0, 1]) == pytest.approx(3 + 1 / 2)
    best = 3 + 1 / log2(3) + 1 / 2
    assert ndcg(["x", "a", "y", "b"], JUDGED) == pytest.approx((3 / log2(3) + 1 / log2(5)) / best)


def test_what_comes_too_late_does_not_count() -> None:
    late = [f"x{number}" for number in range(10)]
    assert ndcg([*late, "a"], JUDGED) == 0
    assert ndcg(["a", *late], {f"p{n}": 2 for n in range(30)} | {"a": 2}) < 1
    assert recall([*late, "a"], JUDGED) == pytest.approx(1 / 3)
    assert recall([*late, "a"], JUDGED, depth=10) == 0


def test_a_difference_is_taken_question_by_question() -> None:
    better, least, most = difference([0.6, 0.9, 0.3] * 10, [0.5, 0.8, 0.2] * 10)
    assert (better, least, most) == pytest.approx((0.1, 0.1, 0.1))
    even, least, most = difference([0.0, 1.0] * 20, [1.0, 0.0] * 20)
    assert even == 0
    assert least < 0 < most
