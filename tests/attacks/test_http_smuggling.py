"""H16: a request hidden in another one's body; directly, and behind proxies that read it their way."""

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from attacks.fronts import FRONTS, front
from attacks.outside import Heard, Outside, connection, hear, out, raw, send
from house.asks import GOOD, body_of
from house.house import META

__all__ = ["out"]

Pairs = list[tuple[str, str]]
LISTING = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}}
).encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(LISTING), LISTING)
TE = "Transfer-Encoding"


def headers_of(out: Outside, method: str, name: str | None = None) -> Pairs:
    return list(out.home.headers(method, name=name).items())


def hidden(out: Outside, number: int = 0) -> bytes:
    """A call that can be told from every other one, here and at its server."""
    arguments = {"numbers": [9, *divmod(number, 10)]}
    params = {"name": GOOD["name"], "arguments": arguments, "_meta": META}
    body = body_of(params=params, id=f"hidden-{number}")
    return raw(headers_of(out, "tools/call", GOOD["name"]), body)


def reached(out: Outside, number: int = 0) -> int:
    sums = [call["params"]["arguments"]["numbers"] for call in out.home.server.calls]
    return sums.count([9, *divmod(number, 10)])


def with_length(headers: Pairs, second: bytes) -> dict[str, bytes]:
    """Content-Length and Transfer-Encoding against each other, and lengths that are none."""
    size = len(LISTING)

    def framed(body: bytes, *more: tuple[str, str]) -> bytes:
        return raw([*headers, *more], length=False) + body

    return {
        "CL.TE": framed(
            b"0\r\n\r\n" + second, ("Content-Length", str(5 + len(second))), (TE, "chunked")
        ),
        "TE.CL": framed(
            b"%x\r\n%s\r\n0\r\n\r\n" % (len(second), second),
            (TE, "chunked"), ("Content-Length", "4"),
        ),
        "two lengths": framed(
            LISTING + second, ("Content-Length", str(size)),
            ("Content-Length", str(size + len(second))),
        ),
        "two lengths, longer first": framed(
            LISTING + second, ("Content-Length", str(size + len(second))),
            ("Content-Length", str(size)),
        ),
        "a list of lengths": framed(
            LISTING + second, ("Content-Length", f"{size}, {size + len(second)}")
        ),
        "a signed length": framed(LISTING + second, ("Content-Length", f"+{size}")),
        "a length in hexadecimal": framed(LISTING + second, ("Content-Length", hex(size))),
        "a space after Content-Length": framed(LISTING + second, ("Content-Length ", str(size))),
    }  # fmt: skip


def with_codings(headers: Pairs, second: bytes) -> dict[str, bytes]:
    """TE.TE: codings that one reader takes for chunked and another does not."""
    values = [
        "xchunked", "chunked, identity", "identity, chunked", "gzip, chunked", "chunked, chunked",
        "x, chunked", ", chunked", "chunked;q=1", '"chunked"', "\x0bchunked", "chunk\x00ed",
        "identity", "cow",
    ]  # fmt: skip
    tail = CHUNKED + second
    cases = {
        f"the coding {value!r}": raw([*headers, (TE, value)], length=False) + tail
        for value in values
    }
    twice = [(TE, "chunked"), (TE, "identity")]
    return cases | {
        "two codings": raw([*headers, *twice], length=False) + tail,
        "two codings, the other way": raw([*headers, *twice[::-1]], length=False) + tail,
        "chunked twice": raw([*headers, twice[0], twice[0]], length=False) + tail,
        "a space after the name": raw([*headers, (f"{TE} ", "chunked")], length=False) + tail,
        "an underscore": raw([*headers, ("Transfer_Encoding", "chunked")], length=False) + tail,
        "an older version": raw(
            [*headers, (TE, "chunked")], line="POST /mcp HTTP/1.0", length=False
        )
        + tail,
    }


def with_lines(headers: Pairs, second: bytes) -> dict[str, bytes]:
    """Lines folded, or ended in another way; headers that end where they should not."""
    tail = CHUNKED + second
    plain = raw([*headers, (TE, "chunked")], length=False)
    at = b"\r\nauthorization"
    return {
        "a folded coding": raw([*headers, (TE, "\r\n chunked")], length=False) + tail,
        "a folded header": raw([*headers, ("X", "a\r\n b"), (TE, "chunked")], length=False) + tail,
        "a fold by tab": raw([*headers, ("X", "a\r\n\tb"), (TE, "chunked")], length=False) + tail,
        "a coding behind a bare LF": raw([*headers, ("X", f"a\n{TE}: chunked")]) + second,
        "a coding behind a bare CR": raw([*headers, ("X", f"a\r{TE}: chunked")]) + second,
        "bare LF everywhere": plain.replace(b"\r\n", b"\n") + tail,
        "one bare LF": plain.replace(at, b"\nauthorization") + tail,
        "one bare CR": plain.replace(at, b"\rauthorization") + tail,
        "headers that end with LF": plain[:-4] + b"\n\n" + tail,
        "a header without a colon": plain.replace(b"authorization:", b"authorization") + tail,
        "NUL in a header": raw([*headers, ("X", "a\x00b"), (TE, "chunked")], length=False) + tail,
        "a space before the first header": plain.replace(b"\r\nHost", b"\r\n Host", 1) + tail,
    }


def with_chunks(headers: Pairs, second: bytes) -> dict[str, bytes]:
    """Chunk sizes and extensions that end in another place for another reader."""
    plain = raw([*headers, (TE, "chunked")], length=False)
    size, hiding = b"%x" % len(LISTING), b"%x" % len(second)
    sizes = {
        "a size with a sign": b"-" + size,
        "a size with 0x": b"0x" + size,
        "a size beyond 64 bits": b"f" * 17,
        "a size that wraps": b"1" + b"0" * 16 + size,
        "a size with a space": size + b" 0",
        "no size": b"",
    }
    cases = {
        name: plain + text + b"\r\n" + LISTING + b"\r\n0\r\n\r\n" + second
        for name, text in sizes.items()
    }
    return cases | {
        "a bare LF in an extension": plain + b"%s;\n%s\r\n%s\r\n0\r\n\r\n" % (size, hiding, second),
        "chunks ended with LF": plain + b"%s\n%s\n0\n\n" % (size, LISTING) + second,
        "an extension without an end": plain + b"1;" + b"a" * 100_000 + b"\r\n" + second,
        "a chunk longer than its size": plain + b"5\r\n%s\r\n0\r\n\r\n" % LISTING + second,
        "no line after a chunk": plain + b"%s\r\n%s0\r\n\r\n" % (size, LISTING) + second,
    }


def with_versions(headers: Pairs, second: bytes) -> dict[str, bytes]:
    """Requests that mean to be something else than HTTP/1.1 to this host."""
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "h2c")]
    socket = [*upgrade[:1], ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
    return {
        "an upgrade": raw([*headers, *upgrade], LISTING) + second,
        "an upgrade of a GET": raw(socket, line="GET /mcp HTTP/1.1", length=False) + second,
        "a tunnel": raw(headers, LISTING, line="CONNECT localhost:8080 HTTP/1.1") + second,
        "HTTP/2's greeting": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + second,
        "HTTP/2.0 in words": raw(headers, LISTING, line="POST /mcp HTTP/2.0") + second,
        "HTTP/1.2": raw(headers, LISTING, line="POST /mcp HTTP/1.2") + second,
        "HTTP/0.9": b"POST /mcp\r\n\r\n" + second,
        "another host in the line": raw(
            headers, LISTING, line="POST http://evil.example/mcp HTTP/1.1"
        )
        + second,
    }


WAYS = (with_length, with_codings, with_lines, with_chunks, with_versions)


def cases(out: Outside) -> dict[str, bytes]:
    """By name; each hides a call of its own number."""
    headers = headers_of(out, "tools/list")
    names = [name for way in WAYS for name in way(headers, b"")]
    return {
        name: sent
        for number, wanted in enumerate(names)
        for way in WAYS
        for name, sent in way(headers, hidden(out, number)).items()
        if name == wanted
    }


async def good(port: int, out: Outside) -> Heard:
    headers = headers_of(out, "tools/call", GOOD["name"])
    return await send(port, [raw(headers, body_of())], quiet=0.05)


async def test_H16_what_two_readers_could_frame_in_two_ways_is_400_and_ends_the_connection(
    out: Outside,
) -> None:
    async with out.unharmed(records=0) as told:
        for number, (name, sent) in enumerate(cases(out).items()):
            heard = await send(out.port, [sent])
            told.hear(heard.data)
            assert (heard.statuses, heard.ended) == ([400], True), name
            assert not reached(out, number), name


async def test_H16_trailers_are_no_headers(out: Outside) -> None:
    headers = [pair for pair in headers_of(out, "tools/list") if pair[0] != "authorization"]
    token = dict(headers_of(out, "tools/list"))["authorization"]
    body = b"%x\r\n%s\r\n0\r\nAuthorization: %s\r\n\r\n" % (len(LISTING), LISTING, token.encode())
    async with out.unharmed(records=0) as told:
        heard = await send(out.port, [raw([*headers, (TE, "chunked")], length=False) + body])
        told.hear(heard.data)
        assert heard.statuses == [401]


@pytest.mark.parametrize("name", FRONTS)
async def test_H16_behind_a_proxy_nobody_gets_an_answer_to_a_request_they_did_not_make(
    out: Outside, name: str, tmp_path: Path
) -> None:
    """A proxy may read the hidden one as a second request of the same client; then that one has
    its answer, on the same connection, and the next client has theirs.
    """
    out.home.server.seen.clear()
    async with (
        front(name, out.port, tmp_path) as port,
        out.unharmed(records=None) as told,
        contextlib.AsyncExitStack() as stack,
    ):
        answers: list[tuple[str, asyncio.StreamReader, Heard]] = []
        for attack, sent in cases(out).items():
            reader, writer = await stack.enter_async_context(connection(port))
            writer.write(sent)
            answers.append((attack, reader, await hear(reader, quiet=0.05)))
            victim = await good(port, out)
            told.hear(victim.data)
            assert victim.statuses == [200], attack
            assert b'"id":7,' in victim.data, attack
            assert b'"total":1,' in victim.data, attack
        for number, (attack, reader, heard) in enumerate(answers):
            asked = reached(out, number)
            while heard.data.count(b'"id":"hidden-%d"' % number) < asked and not heard.ended:
                more = await hear(reader)
                heard.data, heard.ended = heard.data + more.data, more.ended
            told.hear(heard.data)
            assert heard.data.count(b'"id":"hidden-') == asked, attack
            told.answers += 1 + asked
            told.let_in += 1 + asked
    assert told.let_in < 1.25 * len(answers)  # most of them no proxy passes on
