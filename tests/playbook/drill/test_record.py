"""What counts as a drill that held, and what is kept of it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_local.load import Stack
from mcp_local.stack import place_for_test
from mcp_playbook.drill import DRILLS, Drill, Record, cli, records
from mcp_playbook.drill.cli import rehearsed, verdict
from mcp_playbook.drill.rehearsal import Rehearsal, write
from mcp_playbook.drill.stage import FOREIGN, PREFIX, Stage, _sweep, own_environment

ROOT = Path(__file__).parents[3]


class Expect(StrEnum):
    ONE = "one thing holds"
    OTHER = "another holds too"


@dataclass(frozen=True)
class Made(Drill):
    """A drill of this test's own."""

    rehearse: Callable[[Rehearsal], Awaitable[None]] | None = None

    def load(self) -> Any:
        return SimpleNamespace(Expect=Expect, rehearse=self.rehearse)


def run(rehearse: Callable[[Rehearsal], Awaitable[None]], tmp_path: Path) -> tuple[Record, str]:
    """What becomes of it, on a stack that is never started, and what was said."""
    said: list[str] = []
    stage = Stage(Stack(place_for_test(tmp_path / "run", ROOT)))
    drill = Made("made-up", "A made-up incident", module="none", rehearse=rehearse)
    return rehearsed(drill, stage, said.append), "\n".join(said)


async def all_holds(drill: Rehearsal) -> None:
    drill.incident("something breaks")
    drill.expect(Expect.ONE, True, "seen once")
    drill.expect(Expect.OTHER, True)
    drill.facts["seconds"] = 1.5


def test_a_drill_passes_when_every_expectation_was_looked_at_and_held(tmp_path: Path) -> None:
    record, said = run(all_holds, tmp_path)
    assert record.passed
    assert [one.held for one in record.expectations] == [True, True]
    assert record.facts == {"seconds": 1.5}
    assert "something breaks" in said
    assert verdict(record).startswith("made-up: passed, 2 of 2 expectations held")


def test_an_expectation_that_was_never_looked_at_fails_the_drill(tmp_path: Path) -> None:
    async def gives_up(drill: Rehearsal) -> None:
        drill.expect(Expect.ONE, True)

    record, said = run(gives_up, tmp_path)
    assert not record.passed
    assert [one.seen for one in record.expectations] == ["", "never looked at"]
    assert "NOT HELD  another holds too" in said


def test_an_expectation_holds_only_when_it_held_each_time(tmp_path: Path) -> None:
    async def once_not(drill: Rehearsal) -> None:
        await all_holds(drill)
        drill.expect(Expect.ONE, False, "not this time")
        drill.expect(Expect.ONE, True, "again")

    record, _ = run(once_not, tmp_path)
    assert not record.passed
    assert record.expectations[0].seen == "not this time"


def test_what_a_deployment_has_no_case_of_is_neither_failure_nor_proof(tmp_path: Path) -> None:
    async def no_case(drill: Rehearsal) -> None:
        drill.expect(Expect.ONE, True)
        drill.nothing_here(Expect.OTHER, "one server is listed")

    record, said = run(no_case, tmp_path)
    assert record.passed
    assert "no case   another holds too\n            one server is listed" in said
    assert "1 of 1 expectations held" in verdict(record)

    async def a_case_after_all(drill: Rehearsal) -> None:
        await no_case(drill)
        drill.expect(Expect.OTHER, False, "seen")

    record, _ = run(a_case_after_all, tmp_path)
    assert not record.passed


def test_a_drill_that_breaks_off_has_failed_whatever_held_before(tmp_path: Path) -> None:
    async def breaks(drill: Rehearsal) -> None:
        await all_holds(drill)
        raise OSError("no such process")

    record, said = run(breaks, tmp_path)
    assert not record.passed
    assert "OSError: no such process" in said


def test_a_drill_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(drill: Rehearsal) -> None:
        await all_holds(drill)
        await asyncio.sleep(60)

    monkeypatch.setattr(cli, "LONGEST_SECONDS", 0.05)
    record, said = run(hangs, tmp_path)
    assert not record.passed
    assert "not over after" in said


def test_a_record_is_read_as_it_was_written_and_the_last_run_counts(tmp_path: Path) -> None:
    record, _ = run(all_holds, tmp_path)
    write(record.model_copy(update={"passed": False}), tmp_path)
    write(record, tmp_path)
    assert records(tmp_path) == [record]
    assert datetime.now(UTC) - record.date < timedelta(minutes=1)
    assert record.commit
    earlier = record.model_copy(
        update={"name": "another", "date": record.date - timedelta(days=100)}
    )
    write(earlier, tmp_path)
    assert [one.name for one in records(tmp_path)] == ["another", "made-up"]


def test_a_file_that_is_no_record_counts_as_no_run(tmp_path: Path) -> None:
    assert records(tmp_path) == []
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "valkey-down.json").write_text('{"name": "valkey-down", "passed": true}')
    assert records(tmp_path) == []


def test_a_drill_inherits_no_address_of_a_database_it_could_destroy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in FOREIGN:
        monkeypatch.setenv(name, "somebody's")
    with own_environment({"OTEL_EXPORTER_OTLP_ENDPOINT": "mine"}):
        assert {name: os.environ.get(name) for name in FOREIGN} == {
            "DATABASE_URL": None, "REDIS_URL": None, "OTEL_EXPORTER_OTLP_ENDPOINT": "mine",
        }  # fmt: skip
    assert {os.environ[name] for name in FOREIGN} == {"somebody's"}


def test_what_a_killed_drill_left_is_removed_and_a_running_one_left_alone(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    for name in (f"{ended.pid}-1", f"{ended.pid}-1.copy", f"{os.getpid()}-2"):
        (tmp_path / f"{PREFIX}{name}").mkdir()
    (tmp_path / "test-1").mkdir()
    _sweep(tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["test-1", f"{PREFIX}{os.getpid()}-2"]


def test_the_command_lists_what_there_is_and_refuses_what_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLAYBOOK_EVIDENCE", str(tmp_path))
    unbuilt = Drill("flood", "The cellar is under water", missing="a pump")
    monkeypatch.setattr(cli, "DRILLS", (*DRILLS, unbuilt))
    record, _ = run(all_holds, tmp_path)
    write(record.model_copy(update={"name": "valkey-down"}), tmp_path)
    assert cli.main([]) == 0
    shown = capsys.readouterr().out
    assert f"valkey-down       held {record.date:%Y-%m-%d}" in shown
    assert line_of(shown, "flood").split()[1:3] == ["not", "yet"]
    assert cli.main(["flood"]) == 2
    assert "flood: not yet. Missing: a pump" in capsys.readouterr().out
    assert cli.main(["no-such"]) == 2
    assert "There is no drill 'no-such'; there are issuer-down" in capsys.readouterr().out
    assert [one.name for one in records(tmp_path)] == ["valkey-down"]


def line_of(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.split()[:1] == [name])
