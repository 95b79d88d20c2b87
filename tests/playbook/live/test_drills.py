"""Drills on a stack that runs: they hold on a sound one, and fail when nothing was broken."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from signal import SIGKILL, Signals

import pytest

from mcp_local.board import PartState
from mcp_local.load import Stack
from mcp_playbook.drill import DRILLS, Record
from mcp_playbook.drill.callers import Callers
from mcp_playbook.drill.rehearsal import Rehearsal
from mcp_playbook.drill.stage import Stage


class Untouched(Stage):
    """Nothing is broken and nothing is switched, whatever a drill believes."""

    @asynccontextmanager
    async def down(self, name: str, how: Signals = SIGKILL) -> AsyncIterator[PartState]:  # noqa: ARG002
        yield self.part(name)

    async def well(self, before: PartState, within: float = 0) -> float | None:  # noqa: ARG002
        return 0.0

    async def switch(self, *words: str) -> str:
        return " ".join(words)


async def rehearsed(name: str, stage: Stage) -> tuple[Record, dict[str, bool]]:
    (drill,) = [one for one in DRILLS if one.name == name]
    module = drill.load()
    rehearsal = Rehearsal(stage, Callers.of(stage.stack), module.Expect, say=lambda _: None)
    async with rehearsal.callers.http:
        await module.rehearse(rehearsal)
    record = rehearsal.record(drill)
    return record, {one.what: one.held for one in record.expectations}


@pytest.mark.parametrize("name", ["valkey-down", "revoke-person"])
async def test_a_drill_holds_on_a_sound_stack(stack: Stack, name: str) -> None:
    record, held = await rehearsed(name, Stage(stack))
    assert record.passed, [one for one in record.expectations if not one.held]
    assert all(held.values())
    assert any(moment.kind == "incident" for moment in record.timeline)


async def test_a_drill_fails_when_valkey_was_not_stopped(stack: Stack) -> None:
    record, held = await rehearsed("valkey-down", Untouched(stack))
    assert not record.passed
    wrong = {what for what, holds in held.items() if not holds}
    assert wrong == {
        "writes stop with limiter_unavailable, and nothing is done",
        "reads that cost more than one token stop alike",
        "a block made meanwhile holds within 3 s",
    }


async def test_a_drill_fails_when_nobody_was_revoked(stack: Stack) -> None:
    record, held = await rehearsed("revoke-person", Untouched(stack))
    assert not record.passed
    wrong = {what for what, holds in held.items() if not holds}
    assert wrong == {
        "after revoke the next call with a token from before is 401 and says to sign in",
        "after block the next call is 403, with a new token too",
        "each step is on record with who did it and why",
    }
