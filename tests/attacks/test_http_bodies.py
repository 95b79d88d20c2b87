"""H08, H09, H10, H11, H12, H14: bodies that two parsers read in two ways, or that break one."""

import gzip
import json
import zlib
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from attacks.oracle import unharmed
from house.asks import GOOD, body_of, error_of, result_of
from house.backends import Counted, counted_server
from house.conftest import Opened
from house.house import META, House
from house.particular import LOCK, POLICY, a_particular_server
from house.wire import Wire
from people import Issuer

from mcp_gateway.door.document import MAX_DEPTH

GOOD_BODY = body_of()
ARGUMENTS = b'{"numbers": [1]}'
assert ARGUMENTS in GOOD_BODY


def with_arguments(text: str | bytes) -> bytes:
    raw = text.encode() if isinstance(text, str) else text
    return GOOD_BODY.replace(ARGUMENTS, raw)


async def refused(home: House, bodies: dict[str, bytes], codes: set[int]) -> None:
    async with unharmed(home, records=0) as told:
        for name, body in bodies.items():
            answer = told.answer(await home.call(GOOD["name"], {}, body=body))
            assert answer.status_code == 400, name
            assert error_of(answer)["code"] in codes, name
        assert not home.server.calls


async def test_H08_a_key_given_twice_is_refused_wherever_it_is(home: House) -> None:
    def doubled(key: str, value: str, at: str) -> bytes:
        text = GOOD_BODY.decode()
        assert at in text
        return text.replace(at, f'"{key}": {value}, {at}', 1).encode()

    await refused(
        home,
        {
            "jsonrpc": doubled("jsonrpc", '"2.0"', '"jsonrpc"'),
            "id": doubled("id", "7", '"id"'),
            "method, another first": doubled("method", '"tools/list"', '"method"'),
            "method, the same": doubled("method", '"tools/call"', '"method"'),
            "params": doubled("params", "{}", '"params"'),
            "params.name": doubled("name", '"numbers_note_number"', '"name"'),
            "params.name, escaped": doubled("n\\u0061me", '"numbers_note_number"', '"name"'),
            "params.arguments": doubled("arguments", "{}", '"arguments"'),
            "params._meta": doubled("_meta", "{}", '"_meta"'),
            "version": doubled(
                "io.modelcontextprotocol/protocolVersion",
                '"2025-11-25"',
                '"io.modelcontextprotocol/protocolVersion"',
            ),
            "an argument": with_arguments('{"numbers": [9], "numbers": [1]}'),
            "an argument, escaped": with_arguments('{"numbers": [9], "\\u006eumbers": [1]}'),
            "an argument, deep": with_arguments('{"numbers": [{"a": [{"b": 1, "b": 1}]}]}'),
            "an empty key": with_arguments('{"numbers": [1], "": 1, "": 2}'),
            "three times": with_arguments('{"sql": "a", "sql": "b", "sql": "c"}'),
        },
        {-32700, -32600},
    )


@pytest.mark.parametrize("version", [None, "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_H09_a_batch_is_refused_in_every_version(home: House, version: str | None) -> None:
    batches = (b"[]", b"[%s]", b"[%s,%s]", b" \n[%s]", b"[[%s]]", b"[1]", b"[{}]", b"[null,%s]")
    headers = home.headers("tools/call", name=GOOD["name"])
    if version is not None:
        headers = {"mcp-protocol-version": version}  # how older clients call
    async with unharmed(home, records=0) as told:
        for batch in batches:
            body = batch.replace(b"%s", GOOD_BODY)
            answer = told.answer(await home.call(GOOD["name"], {}, headers=headers, body=body))
            assert (answer.status_code, error_of(answer)["code"]) == (400, -32600), batch
            assert "one message per request" in error_of(answer)["message"]


NUMBERS_THAT_ARE_NONE = [
    "NaN", "Infinity", "-Infinity", "nan", "1e999", "-1e999", "1" * 5000, "-" + "1" * 5000,
    "1" + "0" * 400 + ".0", "01", "-01", "+1", ".5", "1.", "0x1", "1_000", "1e", "--1", "１",
]  # fmt: skip
NUMBERS = [
    "18446744073709551617", "-9223372036854775809", "9007199254740993", "1" + "0" * 300,
]  # fmt: skip
FRACTIONS = ["0.1000000000000000055", "0.1E0", "1e-7", "-0", "-0.0", "0.50", "0.30000000000000004"]


def recorded(record: dict[str, Any]) -> Any:
    """The arguments; what no JSON of the record could say faithfully is wrapped as a whole."""
    arguments = record["args"]
    return json.loads(b64decode(arguments["base64"])) if "base64" in arguments else arguments


@pytest_asyncio.fixture
async def odd(issuer: Issuer, server: Counted, opened: Opened) -> AsyncIterator[House]:
    """Beside the numbers, a server that takes any integer."""
    lock = {**LOCK, "server": "letters"}
    policy = POLICY.replace("numbers://", "letters://")
    async with (
        counted_server(issuer, a_particular_server(), name="letters") as letters,
        opened(server, letters, policies={"letters": policy}, locks={"letters": lock}) as home,
    ):
        yield home


async def test_H10_a_number_is_refused_or_reaches_its_server_digit_for_digit(odd: House) -> None:
    every = [with_arguments(f'{{"numbers": [{one}]}}') for one in NUMBERS_THAT_ARE_NONE]
    every += [GOOD_BODY.replace(b'"id": 7', f'"id": {one}'.encode()) for one in ("NaN", "1e999")]
    await refused(odd, {str(body[:300]): body for body in every}, {-32700})
    count = len(NUMBERS) + len(FRACTIONS)
    async with unharmed(odd, records=count, upstream=count) as told:
        for number in NUMBERS:
            params = {"name": "letters_by_region", "arguments": {}, "_meta": META}
            body = body_of(params=params, id=int(number))
            body = body.replace(b'"arguments": {}', f'"arguments": {{"year":{number} }}'.encode())
            body = body.replace(b'"_meta": {', f'"_meta": {{"progressToken": {number}, '.encode())
            headers = {"mcp-param-year": number}
            answer = await odd.call("letters_by_region", {}, headers=headers, body=body)
            assert f'"id":{number},' in told.answer(answer).text
            assert f'"year":{number}' in answer.text.replace(" ", "")
            _, sent = odd.servers["letters"].seen[-1]
            assert f'{{"year":{number} }}'.encode() in sent
            assert f'"progressToken":{number},'.encode() in sent
        for number in FRACTIONS:
            body = with_arguments(f'{{"seconds": {number}}}')
            body = body.replace(b"numbers_add_numbers", b"numbers_wait_long")
            answer = told.answer(await odd.call("numbers_wait_long", {}, body=body))
            assert "structuredContent" in result_of(answer)
            _, sent = odd.server.seen[-1]
            assert body[body.index(b'"seconds"') :].split(b"}")[0] in sent
    intents = await odd.records(kind="intent", tool="by_region")
    assert [recorded(one)["year"] for one in intents] == [int(one) for one in NUMBERS]
    assert len({one["args_c"] for one in intents}) == len(NUMBERS)


def unfaithful() -> dict[str, bytes]:
    text = GOOD_BODY.decode()
    strings = {
        "half a pair": "\\ud800", "the other half": "\\udfff", "the wrong way round": "\\udc00\\ud800",
        "half a pair and text": "a\\ud800b", "NUL, escaped": "\\u0000", "NUL": "\x00", "LF": "\n",
        "a control": "\x1f", "a bad escape": "\\x41", "half an escape": "\\u12",
    }  # fmt: skip
    spelt = {name: with_arguments(f'{{"style": "{one}"}}') for name, one in strings.items()}
    keys = {f"{name}, as a key": with_arguments(f'{{"{one}": 1}}') for name, one in strings.items()}
    return {
        **spelt, **keys,
        "half a pair in the id": GOOD_BODY.replace(b'"id": 7', b'"id": "\\ud800"'),
        "half a pair in the name": text.replace("numbers_add", "numbers\\ud800_add").encode(),
        "half a pair in the method": text.replace("tools/call", "tools\\ud800").encode(),
        "half a pair, not escaped": with_arguments(b'{"style": "\xed\xa0\x80"}'),
        "a raw byte": with_arguments(b'{"style": "\xff"}'),
        "a long form": with_arguments(b'{"style": "\xc0\xaf"}'),
        "beyond the last character": with_arguments(b'{"style": "\xf4\x90\x80\x80"}'),
        "Latin-1": with_arguments('{"style": "é"}'.encode("latin-1")),
        "a byte before": b"\xff" + GOOD_BODY, "NUL before": b"\x00" + GOOD_BODY,
        "a mark of the byte order": b"\xef\xbb\xbf" + GOOD_BODY,
        **{one: text.encode(one) for one in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")
           if text.encode(one) != GOOD_BODY},
        "nothing": b"", "space": b" ", "half": GOOD_BODY[:-1], "two": GOOD_BODY * 2,
        "more": GOOD_BODY + b"x", "apostrophes": GOOD_BODY.replace(b'"', b"'"),
        "a comment": GOOD_BODY + b"// x", "a comma too many": with_arguments('{"numbers": [1,]}'),
    }  # fmt: skip


async def test_H11_what_is_not_faithful_utf_8_json_is_refused_and_the_record_stays_whole(
    home: House,
) -> None:
    await refused(home, unfaithful(), {-32700})
    # what comes before a body is recorded too, in a sample, whatever is in it
    assert home.gateway.edge is not None
    home.gateway.edge.turned_away._seen.clear()
    for path in ("/servers/%ed%a0%80/mcp", "/servers/%00/mcp", "/servers/%ff%1b%5b31m/mcp"):
        headers = home.headers("tools/list")
        wire = await Wire(home.gateway, headers, [], path=path.encode("latin-1").decode()).run()
        assert wire.status == 404
    for path in ("/servers/\x00/mcp", "/servers/\ud800/mcp".encode("utf-8", "replace").decode()):
        assert (await Wire(home.gateway, headers, [], path=path).run()).status == 404
    events = await home.settled(5, kind="event", reason="turned_away")
    assert len([one for one in events if one["detail"]["code"] == "unknown_server"]) == 5


def nested(depth: int, pair: str, inner: str = "1") -> str:
    opening = '{"a":' if pair == "{}" else "["
    return opening * depth + inner + pair[1] * depth


def deep() -> Iterator[tuple[str, bytes]]:
    for pair in ("[]", "{}"):
        for depth in (MAX_DEPTH - 1, MAX_DEPTH, 1_000, 1_024, 100_000):
            yield f"{depth} {pair}", with_arguments(f'{{"n":{nested(depth, pair)}}}')
            yield (
                f"{depth} {pair}, escaped",
                with_arguments(f'{{"n":{nested(depth, pair)},"u":"\\u0041"}}'),
            )
            if pair == "[]" or depth < 100_000:
                yield f"{depth} {pair} at the top", nested(depth, pair).encode()
    yield "without an end", b"[" * 1_000_000
    yield "objects without an end", b'{"a":' * 200_000
    yield (
        "in _meta",
        GOOD_BODY.replace(b'"_meta": {', b'"_meta": {"x":%s,' % nested(99, "[]").encode()),
    )


async def test_H12_what_is_nested_too_deep_is_refused_before_it_is_walked(home: House) -> None:
    bodies = dict(deep())
    await refused(home, bodies, {-32700, -32600})
    async with unharmed(home, records=1) as told:
        body = with_arguments(f'{{"n":{nested(MAX_DEPTH - 4, "[]")}}}')
        answer = told.answer(await home.call(GOOD["name"], {}, body=body))
        assert result_of(answer)["isError"] is True  # read; and not what the tool takes


def bombs() -> dict[str, bytes]:
    plain = b" " * 1_048_576
    once = gzip.compress(plain)
    return {
        "gzip": gzip.compress(once * 64), "x-gzip": once, "deflate": zlib.compress(plain),
        "br": b"\x5b\xff\xff\xaf", "zstd": b"\x28\xb5\x2f\xfd" + b"\x00" * 64, "compress": b"\x1f\x9d",
        "GZIP": once, "gzip, gzip": gzip.compress(once), "identity, gzip": once, "aes128gcm": once,
        "exi": once, "dcb": once, "x": once,
    }  # fmt: skip


async def test_H14_what_is_compressed_is_not_even_read(home: House) -> None:
    kinds = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
             "application/gzip", "application/jsonp", "text/json", "application/xml", ""]  # fmt: skip
    async with unharmed(home, records=1, upstream=1) as told:
        changes = [({"content-encoding": one}, body) for one, body in bombs().items()]
        changes += [({"content-type": one}, GOOD_BODY) for one in kinds]
        for changed, body in changes:
            headers = home.headers("tools/call", name=GOOD["name"]) | changed
            wire = await Wire(home.gateway, headers, [body] * 16).run()
            told.hear(wire.body)
            assert (wire.status, wire.document["error"]["code"]) == (415, -31415), changed
            assert wire.pulled == 0
        plain: dict[str, Any] = {"content-encoding": "identity"}
        answer = told.answer(await home.call(GOOD["name"], GOOD["arguments"], headers=plain))
        assert answer.status_code == 200
        # a bomb that does not say what it is, is no JSON
        answer = await home.call(GOOD["name"], {}, body=gzip.compress(json.dumps("x").encode()))
        assert answer.status_code == 400
