import pytest
from bench import asking, wrk
from bench.test_asking import right

FIGURES = (
    "Running 3s test @ http://127.0.0.1:1/\n"
    "FIGURES requests=1200 us=3000000 bytes=1440000 not_200=0 wrong={wrong} connect=0 read=1 "
    "write=0 timeout=2 p50=1500 p90=2000 p99=9000 p999=9500 max=12000\n"
    "WRONG {first}\n"
    "BODIES {bodies}\n"
)


def test_what_wrk_tells_becomes_figures_in_milliseconds() -> None:
    load = wrk.parsed(FIGURES.format(wrong=0, first="", bodies=right()))
    assert (load.requests, load.seconds, load.per_second) == (1200, 3.0, 400.0)
    assert (load.p50, load.p99, load.max) == (1.5, 9.0, 12.0)
    assert load.failed == 3
    assert (load.sampled, load.problems) == (1, ())


def test_wrong_answers_are_counted_and_the_first_is_told() -> None:
    load = wrk.parsed(FIGURES.format(wrong=5, first="503 away", bodies=""))
    assert load.failed == 8
    assert load.problems == ("503 away",)


def test_every_sampled_body_is_compared_whole() -> None:
    bodies = asking.RECORD.join([right(), right().replace("Euro pallet", "Euro palace")])
    load = wrk.parsed(FIGURES.format(wrong=0, first="", bodies=bodies))
    assert load.sampled == 2
    assert len(load.problems) == 1


def test_a_wrk_that_tells_nothing_is_an_error() -> None:
    with pytest.raises(wrk.WrkError, match="no figures"):
        wrk.parsed("unable to connect")


def test_a_machine_without_wrk_hears_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(wrk.WrkError, match="apt-get install wrk"):
        wrk.insist()
