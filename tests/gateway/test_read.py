import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_gateway.call import Call
from mcp_gateway.door.document import MAX_DEPTH, plain, strict
from mcp_gateway.door.read import Notification, read
from mcp_gateway.protocol import decode_header, encode_header
from mcp_gateway.refusals import Refusal
from mcp_gateway.upstream.outgoing import envelope

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
HEADERS = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "one_read_it"}


def message(arguments: str = "{}", **changed: Any) -> bytes:
    document = {
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "one_read_it", "arguments": "@", "_meta": META}, **changed,
    }  # fmt: skip
    return json.dumps(document).replace('"@"', arguments).encode()


def reading(body: bytes, headers: dict[str, str] | None = None) -> Call | Notification:
    return read(body, HEADERS if headers is None else headers, endpoint="", call_id="c")


def refused(body: bytes, headers: dict[str, str] | None = None) -> Refusal:
    with pytest.raises(Refusal) as caught:
        reading(body, headers)
    return caught.value


def test_a_call_is_read_and_its_bytes_are_kept() -> None:
    call = reading(message('{ "n" : 1.50, "u":"\\u00e9" }'))
    assert isinstance(call, Call)
    assert (call.method, call.name, call.era, call.version) == (
        "tools/call",
        "one_read_it",
        "modern",
        MODERN,
    )
    assert call.arguments == {"n": 1.5, "u": "é"}
    assert bytes(call.params["arguments"]) == b'{ "n" : 1.50, "u":"\\u00e9" }'
    assert bytes(call.request_id) == b"1"


@pytest.mark.parametrize("identity", ["x", "", 0, -1, 2**70, "\u00e9"])
def test_an_id_is_a_string_or_an_integer_and_comes_back_as_it_was(identity: Any) -> None:
    call = reading(message(id=identity))
    assert isinstance(call, Call)
    assert json.loads(bytes(call.request_id)) == identity


@pytest.mark.parametrize("identity", [None, True, 1.0, [], {}])
def test_any_other_id_is_none(identity: Any) -> None:
    assert refused(message(id=identity)).rpc == -32600


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}',
        message('{"n":1,"n":2}'),
        message('{"n":1,"\\u006e":2}'),
        message('{"a":{"b":[{"c":1,"c":1}]}}'),
        message().replace(b'"method"', b'"method":"tools/list","method"', 1),
        message().replace(b'"name"', b'"name":"one_write_it","name"', 1),
    ],
)
def test_H08_a_key_given_twice_is_not_read(body: bytes) -> None:
    refusal = refused(body)
    assert (refusal.http, refusal.rpc) == (400, -32700)
    assert "same key twice" in refusal.message


def test_H09_a_batch_is_answered_with_what_to_do_instead() -> None:
    for body in (b"[]", b"[" + message() + b"]", b"[" + message() + b"," + message() + b"]"):
        refusal = refused(body)
        assert (refusal.http, refusal.rpc) == (400, -32600)
        assert "one message per request" in refusal.message


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 5000, "01", "+1", ".5", "1.", "0x1"],
)
def test_H10_a_number_that_is_none_is_not_read(value: str) -> None:
    assert refused(message(f'{{"n":{value}}}')).rpc == -32700


@pytest.mark.parametrize(
    "value", ["18446744073709551617", "1e308", "0.1000000000000000055", "-0", "1E5"]
)
def test_H10_a_number_leaves_as_it_came(value: str) -> None:
    call = reading(message(f'{{"n":{value}}}'))
    assert isinstance(call, Call)
    assert f'{{"n":{value}}}'.encode() in envelope(call, "read_it")


@pytest.mark.parametrize(
    "body",
    [
        message('{"n":"\\ud800"}'),
        message('{"n":"\\udc00\\ud800"}'),
        message('{"\\ud800":1}'),
        message('{"n":"\\u0000"}'),
        message('{"n":"a\x00b"}'),
        message('{"n":"a\nb"}'),
        b"\xff" + message(),
        message('{"n":"\u00e9"}').decode().encode("latin-1"),
        b"\xef\xbb\xbf" + message(),
        message().decode().encode("utf-16"),
        message().decode().encode("utf-16-le"),
        message().decode().encode("utf-32"),
        b"",
        b" ",
        b"{",
        message() + b"x",
        message() + message(),
        message().replace(b'"', b"'"),
        b"\x00" + message(),
    ],
    ids=range(19),
)
def test_H11_what_is_not_faithful_utf_8_json_is_not_read(body: bytes) -> None:
    refusal = refused(body)
    assert (refusal.http, refusal.rpc) == (400, -32700)


def test_H11_a_whole_surrogate_pair_is_a_character_like_any_other() -> None:
    call = reading(message('{"n":"\\ud83d\\ude00"}'))
    assert isinstance(call, Call)
    assert call.arguments == {"n": "😀"}


@pytest.mark.parametrize("depth", [MAX_DEPTH, 1_024, 100_000])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_H12_what_is_nested_too_deep_is_not_read(depth: int, pair: str) -> None:
    opening = '{"a":' if pair == "{}" else "["
    closing = pair[1]
    nested = opening * depth + "1" + closing * depth
    refusal = refused(message(f'{{"n":{nested}}}'))
    assert (refusal.http, refusal.rpc) == (400, -32700)
    refused(message(f'{{"n":{nested},"u":"\\u0041"}}'))


def test_H12_sixty_levels_are_fine() -> None:
    assert isinstance(reading(message('{"n":' + "[" * 60 + "]" * 60 + "}")), Call)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "1.0", "id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": 2.0, "id": 1, "method": "ping"}, -32600),
        ({"jsonrpc": "2.0", "id": 1}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "result": {}}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": 5}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": ""}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "x" * 600}, -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": None}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"_meta": 1}}, -32602),
        ("text", -32600),
        (5, -32600),
        (None, -32600),
    ],
)
def test_what_is_no_request_is_refused(document: Any, code: int) -> None:
    assert refused(json.dumps(document).encode(), {}).rpc == code


@pytest.mark.parametrize("name", [None, 5, [], {}, True])
def test_a_name_is_a_string(name: Any) -> None:
    params = {"name": name, "_meta": META}
    assert refused(message(params=params)).rpc == -32602


@pytest.mark.parametrize("arguments", ["[]", '"x"', "5", "true"])
def test_arguments_are_an_object(arguments: str) -> None:
    assert refused(message(arguments)).rpc == -32602


def test_a_refusal_after_the_id_was_read_carries_it() -> None:
    refusal = refused(message(id="mine"), {**HEADERS, "mcp-name": "other"})
    assert refusal.request_id is not None
    assert bytes(refusal.request_id) == b'"mine"'


def test_a_notification_must_not_contradict_its_headers() -> None:
    body = b'{"jsonrpc":"2.0","method":"notifications/cancelled"}'
    assert refused(body, {"mcp-protocol-version": "1999-01-01"}).rpc == -32022
    assert refused(body, {"mcp-method": "tools/call"}).rpc == -32020
    for headers in (
        {"mcp-protocol-version": "2025-06-18"},
        {"mcp-method": "notifications/cancelled"},
    ):
        assert isinstance(reading(body, headers), Notification)


def test_a_message_without_an_id_is_a_notification() -> None:
    assert reading(b'{"jsonrpc":"2.0","method":"notifications/initialized"}', {}) == Notification(
        "notifications/initialized"
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
COMPACT: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False}


@given(ANYTHING)
def test_the_quick_reading_finds_what_the_strict_one_finds_or_nothing(value: Any) -> None:
    body = json.dumps(value, **COMPACT).encode("utf-8", "surrogatepass")
    if (quick := plain(body)) is not None:
        assert repr(quick) == repr(strict(body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}', b'{"a":{"b":1,"b":1}}', b'{"a":1,"\\u0061":2}', b"[1e999]", b"[NaN]",
        b"[18446744073709551617]", b"[-0]", b'["\\u0000"]', b'["\\ud800"]', b"[1.00]",
        b"[" * 65 + b"]" * 65, b"\xef\xbb\xbf{}", b'["\xed\xa0\x80"]',
    ],
)  # fmt: skip
def test_what_hides_something_is_looked_at_closely(body: bytes) -> None:
    assert plain(body) is None


def test_what_clients_write_is_read_quickly() -> None:
    assert plain(json.dumps({"a": [1, 2.5, "é", None, True]}, **COMPACT).encode()) is not None


@given(st.text())
def test_a_name_survives_its_header(name: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return
    header = encode_header(name)
    assert decode_header(header) == name
    assert header.isascii()
    assert header == header.strip()
    assert "\r" not in header
    assert "\n" not in header


@given(st.binary(max_size=200))
def test_no_bytes_are_more_than_refused(body: bytes) -> None:
    with contextlib.suppress(Refusal):  # anything else that is raised fails here
        reading(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), inner, max_size=4
    ),
    max_leaves=20,
)  # fmt: skip


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
        JSON,
        max_size=4,
    )
)
def test_whatever_is_read_leaves_unchanged(arguments: dict[str, Any]) -> None:
    call = reading(message(json.dumps(arguments)))
    assert isinstance(call, Call)
    assert call.arguments == arguments
    sent = json.loads(envelope(call, "read_it"))
    assert sent["params"]["arguments"] == arguments
    assert sent["params"]["name"] == "read_it"
    assert msgspec.json.decode(bytes(call.params["name"])) == "one_read_it"


def test_the_envelope_upstream_is_ours() -> None:
    meta = {
        **META, "progressToken": 5, "io.modelcontextprotocol/clientInfo": {"name": "evil"},
        "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01", "other": "dropped",
        "dev.mcp-in-production/call": "forged",
    }  # fmt: skip
    call = reading(message(params={"name": "one_read_it", "_meta": meta}))
    assert isinstance(call, Call)
    assert call.traceparent == meta["traceparent"]
    sent = json.loads(envelope(call, "read_it"))
    assert sent["id"] == "c"
    assert sent["params"]["_meta"]["progressToken"] == 5
    assert sent["params"]["_meta"]["dev.mcp-in-production/call"] == "c"
    assert sent["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"] == "mcp-gateway"
    assert "other" not in sent["params"]["_meta"]
