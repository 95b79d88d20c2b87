"""Who is turned away is counted always, recorded in a sample, and never slows the answer."""

import asyncio
from collections.abc import Mapping
from typing import Any

from mcp_gateway.door.turned_away import RECORDED_EACH, WINDOW_SECONDS, TurnedAway
from mcp_gateway.refusals import Refusal, ledger_down, malformed


class Story:
    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.now = 0.0
        self.counted: list[str] = []
        self.recorded: list[tuple[str, Mapping[str, Any]]] = []
        self.door = TurnedAway(self.event, self.counted.append, clock=lambda: self.now)

    async def event(self, name: str, detail: Mapping[str, Any]) -> None:
        if self.down:
            raise ledger_down()
        self.recorded.append((name, detail))

    async def turn_away(self, times: int, refusal: Refusal | None = None) -> None:
        for _ in range(times):
            self.door.note(refusal or malformed("No."), "/mcp", None)
        await asyncio.gather(*self.door._tasks)  # raises what a write let through


async def test_a_flood_leaves_a_sample_and_then_its_number() -> None:
    story = Story()
    await story.turn_away(1000)
    assert len(story.counted) == 1000
    assert len(story.recorded) == RECORDED_EACH
    story.now = WINDOW_SECONDS
    await story.turn_away(1)
    assert story.recorded[RECORDED_EACH] == (
        "turned_away_more",
        {"more": {"malformed": 1000 - RECORDED_EACH}},
    )


async def test_one_kind_does_not_hide_another() -> None:
    story = Story()
    await story.turn_away(50)
    await story.turn_away(
        1, Refusal("invalid_token", "No.", http=401, rpc=-31401, reason="expired")
    )
    assert story.recorded[-1][1]["reason"] == "expired"


async def test_a_ledger_that_is_down_changes_nothing_for_the_caller() -> None:
    story = Story(down=True)
    await story.turn_away(3)
    assert story.counted == ["malformed"] * 3
