"""H06, H13, H15: over raw sockets into the gateway's own process, as no client library would speak."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import repeat

import pytest
from attacks.outside import DEADLINES, Heard, Outside, connection, hear, out, raw, send
from house.asks import GOOD, body_of

from mcp_gateway.door import connection as product
from mcp_gateway.door import edge

__all__ = ["out"]

MEBIBYTE = b"a" * 1_048_576
Pairs = list[tuple[str, str]]


def good_headers(out: Outside) -> Pairs:
    return list(out.home.headers("tools/call", name=GOOD["name"]).items())


# --- H06

TWICE: list[tuple[str, str, int]] = [
    ("Mcp-Name", GOOD["name"], 400),
    ("Mcp-Name", "letters_count_letters", 400),
    ("MCP-NAME", GOOD["name"], 400),
    ("Mcp-Method", "tools/call", 400),
    ("Mcp-Protocol-Version", "2026-07-28", 400),
    ("Content-Length", "{length}", 400),
    ("Content-Length", "5", 400),
    ("Host", "localhost:8080", 400),
    ("Host", "evil.example", 400),
    ("Content-Type", "application/json", 400),
    ("Authorization", "Bearer x", 401),
    ("Authorization", "{authorization}", 401),
]
TWINS = ["Mcp_Name", "mcp_name", "MCP_NAME", "Mcp_Method", "Content_Length", "Transfer_Encoding"]


@pytest.mark.parametrize("where", ["first", "last"])
async def test_H06_a_header_given_twice_is_refused_and_an_underscore_twin_is_not_the_header(
    out: Outside, where: str
) -> None:
    headers = good_headers(out)
    given = {"length": len(body_of()), "authorization": dict(headers)["authorization"]}
    async with out.unharmed(records=len(TWINS), upstream=len(TWINS)) as told:
        for name, value, status in TWICE:
            more = [(name, value.format(**given))]
            pairs = more + headers if where == "first" else headers + more
            heard = await send(out.port, [raw(pairs, body_of())], quiet=0.05)
            told.hear(heard.data)
            assert heard.statuses == [status], (name, value)
        for name in TWINS:
            pairs = [(name, "letters_count_letters"), *headers]
            heard = await send(out.port, [raw(pairs, body_of())], quiet=0.05)
            told.hear(heard.data)
            assert heard.statuses == [200], name
        without = [pair for pair in headers if pair[0] != "mcp-name"]
        for name in TWINS[:3]:
            heard = await send(out.port, [raw([*without, (name, GOOD["name"])], body_of())])
            told.hear(heard.data)
            assert heard.statuses == [400], name
            assert b"-32020" in heard.data
    assert {call["params"]["name"] for call in out.home.server.calls} == {"add_numbers"}


# --- H13


def chunked(parts: Iterable[bytes]) -> Iterator[bytes]:
    for part in parts:
        yield b"%x\r\n%s\r\n" % (len(part), part)


def bodies(out: Outside) -> dict[str, tuple[Iterable[bytes], int]]:
    """How a body can be too large, or another one than was announced; and the answer."""
    headers, body = good_headers(out), body_of()
    stranger = [pair for pair in headers if pair[0] != "authorization"]

    def head(pairs: Pairs, *more: tuple[str, str]) -> bytes:
        return raw([*pairs, *more], length=False)

    endless = ("Transfer-Encoding", "chunked")
    return {
        "1 GiB, announced": ((head(headers, ("Content-Length", str(2**30))),), 413),
        "1 GiB, announced and sent": (
            (head(headers, ("Content-Length", str(2**30))), *repeat(MEBIBYTE, 1024)),
            413,
        ),
        "chunked without an end": ((head(headers, endless), *chunked(repeat(MEBIBYTE, 1024))), 413),
        "by a stranger": ((head(stranger, endless), *chunked(repeat(MEBIBYTE, 1024))), 401),
        "in chunks of one byte": (
            (head(headers, endless), *chunked(repeat(b"a", 100_000))),
            400,
        ),
        "a chunk extension without an end": (
            (head(headers, endless), b"1;", *repeat(b"a" * 8192, 128)),
            400,
        ),
        "trailers without an end": (
            (head(headers, endless), b"1\r\n{\r\n0\r\n", *repeat(b"a: b\r\n" * 1000, 128)),
            400,
        ),
        "a length beyond any": ((head(headers, ("Content-Length", "9" * 30)), body), 400),
        "a negative length": ((head(headers, ("Content-Length", "-1")), body), 400),
        "shorter than announced": (
            (head(headers, ("Content-Length", str(len(body) + 9))), body),
            408,
        ),
        "longer than announced": (
            (head(headers, ("Content-Length", str(len(body) - 9))), body),
            400,
        ),
    }


async def test_H13_no_body_is_kept_beyond_a_mebibyte_and_no_length_is_believed(
    out: Outside,
) -> None:
    async with out.unharmed(records=0) as told:
        for name, (parts, status) in bodies(out).items():
            heard = await send(out.port, parts, quiet=3)
            told.hear(heard.data)
            assert heard.ended, name  # what is left of it is nobody's next request
            # a client that is cut off while it sends may not get to read why
            assert heard.first == status or (not heard.statuses and status == 400), (name, heard)


async def test_H13_a_head_without_an_end_is_cut_off(out: Outside) -> None:
    lines = [b"POST /mcp HTTP/1.1\r\n", b"POST /", b"POST /mcp HTTP/1.1\r\nX: "]
    async with out.unharmed(records=0) as told:
        for line, more in zip(lines, (b"X: y\r\n" * 10_000, MEBIBYTE, MEBIBYTE), strict=True):
            heard = await send(out.port, [line, *repeat(more, 256)], quiet=3)
            told.hear(heard.data)
            assert heard.ended
            assert heard.statuses in ([431], [])
        whole = raw([*good_headers(out), ("X", "a" * 70_000)], body_of())
        for parts in ([whole], [whole[:40_000], whole[40_000:]], [whole[:60_000], whole[60_000:]]):
            heard = await send(out.port, parts, pause=0.2)
            assert heard.statuses == [431]


async def test_H13_who_is_refused_early_can_go_on_with_the_same_connection(out: Outside) -> None:
    stranger = [pair for pair in good_headers(out) if pair[0] != "authorization"]
    refused, good = raw(stranger, body_of()), raw(good_headers(out), body_of())
    head = refused.index(b"\r\n\r\n") + 4
    async with out.unharmed(records=1, upstream=1) as told:
        parts = [refused[:head], refused[head:], good]
        heard = await send(out.port, parts, pause=0.1, quiet=0.5)
        told.hear(heard.data)
        assert heard.statuses == [401, 200]
        assert not heard.ended


# --- H15

SLOW = 200
ROUNDS, CALLS = 3, 40
FLOOR_SECONDS = 0.05  # below this a quantile is the machine's, not the gateway's


async def drip(out: Outside, begun: bytes, rest: bytes) -> tuple[float, Heard]:
    """One byte now and then, until the other side has had enough; the seconds it took."""
    started = time.monotonic()
    async with connection(out.port) as (reader, writer):
        hearing = asyncio.create_task(hear(reader, quiet=3))
        writer.write(begun)
        for number in range(len(rest)):
            if hearing.done():
                break
            writer.write(rest[number : number + 1])
            await asyncio.wait({hearing}, timeout=0.25)
        heard = await hearing
    return time.monotonic() - started, heard


async def latencies(out: Outside) -> list[float]:
    found = []
    for number in range(CALLS):
        started = time.perf_counter()
        answer = await out.running.call(out.home.http, number)
        found.append(time.perf_counter() - started)
        assert answer.status_code == 200
    return found


def quantile_90(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.9)]


async def test_H15_slow_heads_and_bodies_meet_a_deadline_and_good_clients_notice_nothing(
    out: Outside,
) -> None:
    headers = good_headers(out)
    head = raw(headers, length=False)[:-2]
    length = b"Content-Length: 900\r\n\r\n"
    ways = {
        "nothing at all": (b"", b"", None),
        "a head, a byte at a time": (b"", b"P" * 99, None),
        "a header, a byte at a time": (head + b"X: ", b"x" * 99, 408),
        "a body, a byte at a time": (head + length, b"x" * 99, 408),
        "empty lines": (raw(headers, body_of()), b"\r\n" * 50, 200),
    }
    calls = 2 * ROUNDS * CALLS
    quiet, slow = [], []
    answered = sum(way == "empty lines" for way in list(ways) * (SLOW // ROUNDS // len(ways)))
    expected = calls + ROUNDS * answered
    async with out.unharmed(records=expected, upstream=expected) as told:
        for _ in range(ROUNDS):
            quiet += await latencies(out)
            each = SLOW // ROUNDS // len(ways)
            drips = {
                way: [asyncio.create_task(drip(out, begun, rest)) for _ in range(each)]
                for way, (begun, rest, _) in ways.items()
            }
            slow += await latencies(out)
            for way, tasks in drips.items():
                for seconds, heard in await asyncio.gather(*tasks):
                    told.hear(heard.data)
                    assert heard.ended, way
                    assert seconds < 15, (way, seconds)  # of the 25 that all the bytes take
                    assert ways[way][2] in {None, heard.first}, (way, heard)
    assert quantile_90(slow) < 2 * max(quantile_90(quiet), FLOOR_SECONDS)


def test_H15_the_deadlines_of_the_product_are_ten_and_thirty_seconds() -> None:
    assert DEADLINES.keys() >= {"mcp_gateway.door.connection.HEAD_SECONDS"}
    assert (product.HEAD_SECONDS, edge.BODY_SECONDS) == (10, 30)
