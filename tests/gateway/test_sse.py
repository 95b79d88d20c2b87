"""Event streams of servers, cut anywhere."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.door.response import event
from mcp_gateway.upstream.sse import MessageTooLargeError, messages


class Cut:
    """A stream that arrives in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = iter(pieces)

    async def read_chunk(self) -> bytes | None:
        return next(self._pieces, None)


async def read(*pieces: bytes, cap: int = 1000) -> list[bytes]:
    return [message async for message in messages(Cut(*pieces), cap)]


STREAM = [b": ping", b"event: message", b'data: {"a":1}', b"", b"id: 5", b"data: {", b'data:"b":2}', b"", b"retry: 1", b"", b"data: last", b""]  # fmt: skip
READ = [b'{"a":1}', b'{\n"b":2}', b"last"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
async def test_a_stream_reads_the_same_wherever_it_is_cut(end: bytes) -> None:
    whole = end.join(STREAM) + end
    assert await read(whole) == READ
    for at in range(len(whole)):
        assert await read(whole[:at], whole[at:]) == READ, at
    assert await read(*(whole[i : i + 1] for i in range(len(whole)))) == READ


async def test_a_bare_carriage_return_ends_a_line_too() -> None:
    assert await read(b"data: a\r\rdata: b\r\r\n") == [b"a", b"b"]


async def test_what_the_stream_breaks_off_in_is_no_message() -> None:
    assert await read(b"data: a\n\ndata: b\n") == [b"a"]
    assert await read(b"data: a") == []
    assert await read() == []


async def test_a_message_beyond_the_cap_is_not_collected() -> None:
    assert await read(b"data: " + b"x" * 900 + b"\n\n") == [b"x" * 900]
    for pieces in ([b"data: " + b"x" * 2000], [b"data: x\n" * 600] * 2, [b": " + b"x" * 2000]):
        with pytest.raises(MessageTooLargeError):
            await read(*pieces)


async def test_a_stream_of_small_messages_is_bounded_as_a_whole() -> None:
    assert len(await read(*[b"data: x\n\n" * 10] * 40)) == 400
    for piece in (b"data: x\n\n" * 100, b": ping\n\n" * 100):
        with pytest.raises(MessageTooLargeError):
            await read(*[piece] * 10)


async def test_crumbs_take_time_in_proportion() -> None:
    async def seconds(size: int) -> float:
        began = time.process_time()
        await read(b"data: ", *[b"x"] * size, b"\n\n", cap=10_000_000)
        return time.process_time() - began

    assert await seconds(400_000) < 60 * max(await seconds(20_000), 0.005)  # squared: 400


@given(st.dictionaries(st.text(), st.text() | st.integers()))
async def test_an_event_is_read_as_it_was_written(content: dict[str, object]) -> None:
    for text in (json.dumps(content), json.dumps(content, indent=2).replace("\n", "\r\n")):
        (back,) = await read(event(text.encode()), cap=100_000)
        assert json.loads(back) == content


def test_no_line_end_inside_a_message_ends_the_event() -> None:
    written = event(b'{"a":1,\r\n\r\n"b":\r2}')
    assert written.count(b"\n") == 3
    assert b"\r" not in written
