"""Week 2: each check fails when a call leaves too little behind, or too much."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playbook.live.conftest import Through
from playbook.live.meddler import Answered, Asked, Change, Forward, wrong
from playbook.live.verdicts import fails, passes, waits

from mcp_playbook import baseline
from mcp_playbook.baseline import Baseline, Measured
from mcp_playbook.checks import week_2 as week
from mcp_playbook.deployment import Deployment, Kit


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(week, "ARRIVE_SECONDS", 8.0)


def kit(at: Deployment, **changes: object) -> Deployment:
    assert isinstance(at.kit, Kit)
    return replace(at, kit=replace(at.kit, **changes))  # type: ignore[arg-type]


@asynccontextmanager
async def telemetry(at: Deployment, change: Change) -> AsyncIterator[Deployment]:
    """The deployment with a telemetry backend that tells something else."""
    assert at.kit
    assert at.kit.traces
    async with wrong(at.kit.traces, change) as address:
        yield kit(at, traces=address, metrics=address)


def writing(through: Through, log: Path, text: str | None) -> object:
    """A gateway that writes a line of its own for every request; None: the request itself."""

    async def scribble(asked: Asked, forward: Forward) -> Answered:
        with log.open("ab") as file:
            file.write((asked.body if text is None else text.encode()) + b"\n")
        return await forward(asked)

    return through(scribble)


async def test_W2_01_fails_when_a_process_writes_what_is_no_json(
    through: Through, tmp_path: Path
) -> None:
    async with writing(through, tmp_path / "gateway.log", "hello there") as broken:  # type: ignore[attr-defined]
        await fails(week.logs, kit(broken, logs=tmp_path), "no JSON", "hello there")


async def test_W2_01_fails_when_no_line_carries_the_calls_id(
    through: Through, tmp_path: Path
) -> None:
    async with writing(through, tmp_path / "gateway.log", '{"event":"call"}') as broken:  # type: ignore[attr-defined]
        await fails(week.logs, kit(broken, logs=tmp_path), "no line carries a call_id")


async def test_W2_01_fails_when_nothing_is_written(at: Deployment, tmp_path: Path) -> None:
    await fails(week.logs, kit(at, logs=tmp_path), "no line was written")


async def test_W2_02_passes_and_fails_without_the_person(at: Deployment) -> None:
    async def nameless(asked: Asked, forward: Forward) -> Answered:
        return (await forward(asked)).saying(b"enduser.id", b"enduser.was")

    await passes(week.trace, at)
    async with telemetry(at, nameless) as broken:
        await fails(week.trace, broken, "the trace names nobody")


async def test_W2_02_fails_when_the_trace_ends_at_the_gateway(
    at: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week, "ARRIVE_SECONDS", 3.0)

    async def short(asked: Asked, forward: Forward) -> Answered:
        answer = await forward(asked)
        if answer.status != 200 or "/api/traces/" not in asked.path:
            return answer
        kept = [
            b for b in json.loads(answer.body)["batches"] if "gateway" in json.dumps(b["resource"])
        ]
        return replace(answer, body=json.dumps({"batches": kept}).encode())

    async with telemetry(at, short) as broken:
        await fails(week.trace, broken, "the trace has")


async def test_W2_02_waits_for_a_trace_backend(at: Deployment) -> None:
    await waits(week.trace, kit(at, traces=None), "no trace backend")


async def test_W2_03_fails_when_a_side_sends_no_durations(
    at: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(week, "ARRIVE_SECONDS", 1.0)
    probe = at.one_each()[0]

    async def without(asked: Asked, forward: Forward) -> Answered:
        return (await forward(asked)).saying(f'"{probe.tool}"'.encode(), b'"another"')

    async with telemetry(at, without) as broken:
        await fails(week.durations, broken, f"{probe.server}: {probe.tool}")


async def test_W2_04_fails_when_a_log_holds_what_was_asked(
    through: Through, tmp_path: Path
) -> None:
    async with writing(through, tmp_path / "gateway.log", None) as broken:  # type: ignore[attr-defined]
        await fails(week.canary, kit(broken, logs=tmp_path), "gateway's log: canary")


async def test_W2_04_fails_when_a_log_holds_a_token(through: Through, tmp_path: Path) -> None:
    async with writing(through, tmp_path / "crm.log", '{"sent": "Bearer eyJhbGciOi"}') as broken:  # type: ignore[attr-defined]
        await fails(week.canary, kit(broken, logs=tmp_path), "crm's log: eyJ")


async def test_W2_04_fails_when_a_span_holds_a_token(at: Deployment) -> None:
    async def telling(asked: Asked, forward: Forward) -> Answered:
        return (await forward(asked)).saying(b"mcp.method.name", b"Bearer abc")

    async with telemetry(at, telling) as broken:
        await fails(week.canary, broken, "a span of", "Bearer")


PAGE = b"""<table class="tools"><tr><th>Tool</th></tr>%s</table>"""
ROW = "<tr><th>{}</th><td>{}</td><td>-</td><td>{}</td></tr>"


@pytest.mark.parametrize(
    ("rows", "words"),
    [([], "the overview has no tool"), ([("other", 3, 9)], "is not on the page")],
)
async def test_W2_05_fails_when_the_page_does_not_show_it(
    through: Through, rows: list[tuple[str, int, int]], words: str
) -> None:
    page = PAGE.replace(b"%s", "".join(ROW.format(*row) for row in rows).encode())

    async def other(asked: Asked, forward: Forward) -> Answered:
        if asked.path.startswith("/console"):
            return Answered(200, {"content-type": "text/html"}, page)
        return await forward(asked)

    async with through(other) as broken:
        await fails(week.ranking, broken, words)


async def test_W2_05_passes_then_fails_when_the_tools_are_not_ranked(
    through: Through, at: Deployment
) -> None:
    await passes(week.ranking, at)
    probe = at.one_each()[0]
    named = f"{probe.server}_{probe.tool}"
    page = PAGE.replace(b"%s", (ROW.format("a_b", 1, 9) + ROW.format(named, 5, 9)).encode())

    async def unsorted(asked: Asked, forward: Forward) -> Answered:
        if asked.path.startswith("/console"):
            return Answered(200, {"content-type": "text/html"}, page)
        return await forward(asked)

    async with through(unsorted) as broken:
        await fails(week.ranking, broken, "not ordered")


async def test_W2_05_fails_for_a_person_who_may_not_see_it(at: Deployment) -> None:
    assert at.kit
    assert at.kit.operator
    nosy = (at.people()[0], at.kit.operator[1])
    await fails(week.ranking, kit(at, operator=nosy), "neither operator nor auditor")


async def test_W2_05_waits_without_somebody_to_sign_in(at: Deployment) -> None:
    await waits(week.ranking, kit(at, operator=None), "nobody to sign in")


def measured(at: Deployment, completed: int, date: str) -> Baseline:
    servers = {probe.server for probe in at.allowed()}
    tools = tuple(Measured(name, "a_tool", 20, completed, 10.0, 20.0) for name in servers)
    return Baseline(date, "here", tools)


async def test_W2_06_waits_then_passes_then_fails(at: Deployment) -> None:
    assert at.kit
    await waits(week.completion, at, "nothing was measured yet")
    baseline.keep(measured(at, 20, "2026-01-02T00:00:00+00:00"), at.kit.evidence)
    await waits(week.completion, at, "days old")
    good = await baseline.measure(at, trials=1)
    baseline.keep(good, at.kit.evidence)
    await passes(week.completion, at)
    baseline.keep(measured(at, 18, good.date), at.kit.evidence)
    await fails(week.completion, at, "90% of 20")


async def test_W2_07_waits_passes_and_fails_with_the_rules(at: Deployment, tmp_path: Path) -> None:
    await waits(week.alerts, kit(at, root=tmp_path), "no alert rules")
    rules = tmp_path / "infra" / "observability" / "gateway.rules.yaml"
    page = tmp_path / "playbook" / "runbooks" / "valkey-down.md"
    for file in (rules, page):
        file.parent.mkdir(parents=True)
    rule = {"alert": "Down", "annotations": {"runbook_url": "https://x/playbook/runbooks/valkey-down.md"}}  # fmt: skip
    rules.write_text(json.dumps({"groups": [{"rules": [rule]}]}))
    await fails(week.alerts, kit(at, root=tmp_path), "Down links")
    page.write_text("# Valkey is gone\n")
    await passes(week.alerts, kit(at, root=tmp_path))
