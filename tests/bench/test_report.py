from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from bench import plot, report, results
from bench.measured import Grown, Load, Open, Replicas, Resting, Run, Streams, Turn
from bench.profiled import summary

MACHINE = {
    "processor": "Intel(R) Xeon(R) Processor", "cores": 2, "memory_gb": 8.0, "system": "Linux 6",
    "python": "3.11.7", "nginx": "nginx/1", "wrk": "wrk 4", "commit": "abc", "packages": {"mcp": "2"},
}  # fmt: skip


def turn(subject: str, connections: int, cpu: float, p50: float) -> Turn:
    load = Load(1000, 2.0, 1, 0, p50, p50, p50 * 3, p50 * 4, p50 * 5, 2)
    return Turn(subject, connections, load, cpu, 3000, 4.0, 1.5)


def run() -> Run:
    turns = [
        turn(subject, many, cost, wait)
        for many in (1, 8)
        for subject, cost, wait in (
            ("gateway", 0.2, 1.2), ("gateway", 0.4, 1.4), ("nginx", 0.01, 0.1),
            ("nginx", 0.02, 0.1), ("SDK server, 2026-07-28", 0.4, 2.0),
            ("SDK server, 2026-07-28", 0.8, 2.0), ("upstream", 0.01, 0.05), ("upstream", 0.01, 0.05),
        )
    ]  # fmt: skip
    return Run(
        MACHINE, (0.2, 0.9), [1.0, 1.0, 1.0], Resting(2**26, 0.01), turns,
        open_loop=[Open("gateway", 0.5, 100, 200, 0, 0, 2.0, 1, 2, 3, 4)],
        replicas=[Replicas(1, 500, 0.2, 1, 2)],
        grown=[Grown("tools", 100, (0.2, 0.21), (0.2, 0.2), 2**26)],
        streams=Streams(1000, 30_000, 0.04),
    )  # fmt: skip


def test_the_table_says_how_many_times_the_gateway_costs_in_the_same_round() -> None:
    row = next(
        line for line in report.table(run().turns).splitlines() if "SDK" in line and "| 8 |" in line
    )
    assert "| 0.6000 (0.4000-0.8000) |" in row
    assert row.endswith("| 0.50 (0.50-0.50) times |")


def test_the_page_says_what_a_call_waits_more_at_one_connection() -> None:
    assert "adds 1.25 ms to the median (1.30 instead of 0.05)" in report.page(run(), "T", None)


@pytest.mark.parametrize(("cost", "word"), [(0.19, "kept (0.19)"), (0.2, "missed (0.20)")])
def test_the_page_says_whether_the_budget_is_kept(cost: float, word: str) -> None:
    made = Run(MACHINE, (0.2, 0.9), [1.0], turns=[turn("gateway", 8, cost, 1.0)])
    assert f"at 8 connections: {word}." in report.page(made, "T", None)


def test_the_page_tells_of_failures_and_what_came_instead() -> None:
    made = run()
    load = replace(made.turns[0].load, failed=2, problems=("503 away",))
    made.turns[0] = replace(made.turns[0], load=load)
    assert "none failed" in report.page(run(), "T", None)
    assert "2 failed: 503 away;" in report.page(made, "T", None)


def test_the_page_has_a_chapter_for_all_that_was_measured_and_none_for_what_was_not() -> None:
    page = report.page(run(), "T", "p.svg")
    for chapter in ("Closed loop", "Open loop", "Replicas", "times more", "Open streams"):
        assert f"{chapter}\n" in page
    short = report.page(Run(MACHINE, (0.2, 0.9), [1.0], turns=run().turns), "T", None)
    assert "Open loop" not in short


def test_the_plot_is_well_formed_and_has_a_bar_for_every_figure() -> None:
    root = ET.fromstring(plot.svg(run()))
    bars = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("x")]
    assert len(bars) == 2 * 2 * 4
    assert all(float(one.get("width", "0")) <= plot.WIDTH for one in bars)


def test_results_are_kept_by_day_and_kind_of_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    page = results.keep(run(), date(2026, 7, 28))
    assert page.name.startswith("2026-07-28-2x-intel-xeon-")
    assert sorted(one.suffix for one in page.parent.iterdir()) == [".json", ".md", ".svg"]


def test_a_profile_tells_own_time_and_time_with_all_that_is_called() -> None:
    folded = ["main (a/m.py:1);read (a/r.py:2) 300", "main (a/m.py:1) 100"]
    told = "\n".join(summary(folded, calls=10, without=80.0))
    own, whole = told.split("with all it calls")
    assert "75.0%     60.0 us  read (a/r.py:2)" in own
    assert "25.0%     20.0 us  main (a/m.py:1)" in own
    assert "100.0%     80.0 us  main (a/m.py:1)" in whole
