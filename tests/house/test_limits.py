"""What somebody hears who is limited. Attacks on limits: tests/attacks/test_limits*."""

import asyncio
from typing import Any

from house.asks import GOOD, tool_error
from house.backends import Counted
from house.conftest import Opened
from house.folders import POLICIES

ADD = GOOD["name"]


def passed(answers: list[Any]) -> int:
    return sum(not one.json().get("result", {"isError": True}).get("isError") for one in answers)


async def test_the_wait_that_is_named_is_enough_and_not_more(
    server: Counted, opened: Opened
) -> None:
    policy = POLICIES["numbers"].replace("1000/minute", "1/second")
    async with opened(server, policies={"numbers": policy}) as home:
        answer = await home.call(ADD, GOOD["arguments"])
        assert passed([answer]) == 1
        while passed([answer]):  # on a busy machine a second goes by between two calls
            answer = await home.call(ADD, GOOD["arguments"])
        _, said = tool_error(answer)
        assert 0 < said["retryAfter"] <= 1
        await asyncio.sleep(said["retryAfter"] + 0.01)
        assert passed([await home.call(ADD, GOOD["arguments"])]) == 1
        prompt = await home.post("prompts/get", {"name": "numbers_nothing"})
        assert prompt.status_code == 400
