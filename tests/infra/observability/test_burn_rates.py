"""Objectives become rules with Sloth's names, two windows to every alert, and bounds that are buckets."""

from typing import Any

import pytest
import yaml
from architecture.tree import ROOT

from infra_checks import burn_rates
from infra_checks.burn_rates import SOURCE, WINDOWS, read, rendered

ONE = """
service = "shop"
runbooks = "https://pages.example/playbook/runbooks/"
[[objective]]
name = "answers"
target = 99.5
minimum = 7
runbook = "README.md"
alert = "Answers"
summary = "Nobody answers"
bad = "sum(rate(bad_total[$window]))"
all = "sum(rate(all_total[$window]))"
"""
QUICK = 'under = { class = "read", seconds = %s }'


def rules(text: str) -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(rendered(read(text)))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_every_window_is_recorded_with_sloths_names_and_labels() -> None:
    recorded = {rule["record"]: rule for rule in rules(ONE) if "record" in rule}
    for window in WINDOWS:
        rule = recorded[f"slo:sli_error:ratio_rate{window}"]
        assert rule["expr"].count(f"[{window}]") == 2
        assert rule["labels"] == {
            "sloth_id": "shop-answers", "sloth_service": "shop", "sloth_slo": "answers",
            "sloth_window": window,
        }  # fmt: skip
    assert recorded["slo:error_budget:ratio"]["expr"] == "vector(0.005)"


def test_an_alert_wants_two_windows_and_a_number_of_bad_calls() -> None:
    page, ticket = [rule for rule in rules(ONE) if "alert" in rule]
    assert (page["alert"], ticket["alert"]) == ("AnswersBurnsFast", "AnswersBurnsSteadily")
    for rule, pairs in (
        (page, (("5m", "1h", "14.4"), ("30m", "6h", "6"))),
        (ticket, (("2h", "1d", "3"), ("6h", "3d", "1"))),
    ):
        for (short, long, times), part in zip(pairs, rule["expr"].split(" or "), strict=True):
            for window in (short, long):
                assert f"ratio_rate{window}{{" in part
            assert part.count(f"> ({times} * 0.005)") == 2
            assert f"slo:sli_error:increase{long}{{" in part
            assert ">= 7" in part


def test_a_bound_that_is_no_bucket_is_refused() -> None:
    without = ONE.partition("bad =")[0]
    assert rules(without + QUICK % 2)
    with pytest.raises(ValueError, match="no bucket"):
        rules(without + QUICK % 3)


def test_a_bound_matches_its_own_bucket_alone() -> None:
    """`1.0` as a pattern would match 120, too."""
    text = rendered(read(ONE.partition("bad =")[0] + QUICK % 1))
    assert 'le=~"1|1[.]0"' in text


def test_a_misspelt_key_is_refused() -> None:
    with pytest.raises(ValueError, match="targt"):
        read(ONE.replace("target", "targt"))


def test_what_is_promised_is_what_the_page_says() -> None:
    slo = read((ROOT / SOURCE).read_text("utf-8"))
    page = (ROOT / burn_rates.SOURCE.parent / "README.md").read_text("utf-8")
    for one in slo.objective:
        assert f"{one.target:g} %" in page, one.name
