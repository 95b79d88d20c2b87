"""R07: arguments made to be slow to read, to check, to explain or to look through."""

import time
from typing import Any

import pytest
from attacks.oracle import unharmed
from house.asks import GOOD, tool_error
from house.house import House

MEGABYTE = 1_000_000
LITTLE = 3.0  # seconds of CPU for one call; everybody else waits meanwhile
SLOW: dict[str, Any] = {
    "groups of digits": {"numbers": "1234 " * (MEGABYTE // 5)},
    "unknown arguments": {f"k{n}x": 1 for n in range(60_000)},
    "an argument of a long name": {"aB " * (MEGABYTE // 3): 1},
    "objects in objects' place": {"numbers": [{}] * 30_000},
    "fields named like secrets": {"numbers": [{"password": 1}] * 20_000},
    "backslashes": {"numbers": "token\\" * (MEGABYTE // 7)},
}


@pytest.mark.parametrize("arguments", SLOW.values(), ids=SLOW)
async def test_R07_a_call_made_to_be_slow_takes_no_more_of_everybody_s_time(
    home: House, arguments: Any
) -> None:
    assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200
    async with unharmed(home, upstream=0) as told:
        started = time.thread_time()
        response = told.answer(await home.call(GOOD["name"], arguments))
        assert time.thread_time() - started < LITTLE
        tool_error(response)
