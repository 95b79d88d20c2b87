from bench.figures import figure, percentile, ratio


def test_a_figure_is_the_median_with_its_range() -> None:
    made = figure([3.0, 1.0, 2.0])
    assert (made.median, made.low, made.high) == (2.0, 1.0, 3.0)
    assert made.shown(1) == "2.0 (1.0-3.0)"


def test_ratios_are_of_one_round_each_so_that_a_machine_that_slows_down_cancels_out() -> None:
    made = ratio([2.0, 4.0, 8.0], [1.0, 2.0, 4.0])
    assert (made.median, made.low, made.high) == (2.0, 2.0, 2.0)


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(one) for one in range(100)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile([7.0], 0.99) == 7.0
