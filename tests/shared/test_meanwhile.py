import asyncio
import logging

import pytest

from mcp_shared.meanwhile import meanwhile


async def test_the_work_is_over_when_the_block_is_left() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async with meanwhile(work()):
        await asyncio.sleep(0)
    assert ended.is_set()


async def test_work_that_fails_says_so_at_once_and_ends_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work() -> None:
        raise ValueError("no good")

    with caplog.at_level(logging.ERROR):
        async with meanwhile(work()):
            while not caplog.records:  # noqa: ASYNC110  the log has no event
                await asyncio.sleep(0)
    [line] = caplog.records
    assert line.exc_info
    assert "no good" in str(line.exc_info[1])


async def test_the_block_is_cancelled_as_if_it_stood_alone() -> None:
    began = asyncio.Event()

    async def block() -> None:
        async with meanwhile(asyncio.sleep(3600)):
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(block())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
