"""What is taken: protobuf within bounds. Junk gets a 4xx that says what is wrong."""

import gzip
import zlib
from dataclasses import replace

import pytest
from sandbox.telemetry.sent import PROTOBUF, Standin, span, trace_request

from sandbox_telemetry.limits import Limits

ADDRESSES = ["/v1/traces", "/v1/metrics", "/v1/logs"]
GZIP = PROTOBUF | {"content-encoding": "gzip"}


@pytest.mark.parametrize("path", ADDRESSES)
async def test_an_empty_export_is_taken(path: str) -> None:
    answer = await Standin().http.post(path, content=b"", headers=PROTOBUF)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("application/x-protobuf")


@pytest.mark.parametrize("path", ADDRESSES)
async def test_junk_is_refused_in_words(path: str) -> None:
    standin = Standin()
    for body in (b"\xff" * 40, b"\x0a\x7f", b'{"resourceSpans": []}'):
        answer = await standin.http.post(path, content=body, headers=PROTOBUF)
        assert answer.status_code == 400, body
        assert "protobuf" in answer.text
    assert await standin.kept() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "application/json"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({}, 415),
        (PROTOBUF | {"content-encoding": "deflate"}, 415),
        (PROTOBUF | {"content-encoding": "gzip"}, 400),
        (PROTOBUF | {"content-length": "99999999"}, 413),
        (PROTOBUF | {"content-length": "-1"}, 413),
        (PROTOBUF | {"host": "rebound.example"}, 400),
    ],
)
async def test_what_is_not_an_export_is_refused(headers: dict[str, str], status: int) -> None:
    answer = await Standin().http.post("/v1/traces", content=b"junk", headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_body_beyond_its_cap_is_refused_although_nothing_announced_it() -> None:
    standin = Standin(replace(Limits(), body_bytes=1000))

    async def pieces() -> object:
        for _ in range(20):
            yield b"\x0a" * 100

    answer = await standin.http.post("/v1/traces", content=pieces(), headers=PROTOBUF)  # type: ignore[arg-type]
    assert answer.status_code == 413


async def test_a_gzip_bomb_is_refused_after_the_cap() -> None:
    limits = Limits()
    bomb = gzip.compress(b"\x00" * (limits.unpacked_bytes * 8))
    assert len(bomb) < limits.body_bytes
    answer = await Standin().http.post("/v1/traces", content=bomb, headers=GZIP)
    assert answer.status_code == 413
    assert "unpacking" in answer.text


async def test_gzip_that_is_cut_off_or_followed_by_more_is_refused() -> None:
    whole = gzip.compress(trace_request([span()], "gateway").SerializeToString())
    standin = Standin()
    for body in (whole[:-4], whole + whole, whole + b"x", zlib.compress(b"x")):
        answer = await standin.http.post("/v1/traces", content=body, headers=GZIP)
        assert answer.status_code == 400, body
    assert await standin.kept() == []
    assert (await standin.http.post("/v1/traces", content=whole, headers=GZIP)).status_code == 200
    assert len(await standin.kept()) == 1


async def test_spans_without_proper_ids_are_counted_as_refused() -> None:
    bad = [span(trace=0), span(number=0), span(), span()]
    bad[2].trace_id = b"short"
    bad[3].span_id = b""
    standin = Standin()
    assert await standin.spans(*bad, span(trace=7)) == 4
    assert await standin.kept() == [f"{7:032x}"]
