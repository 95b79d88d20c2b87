"""No at the door, for how something is asked: headers, forms, sizes, places.

The rows of the attack table are in the names: H HTTP and protocol.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from house.asks import GOOD, body_of, error_of
from house.house import META, MODERN, House
from house.wire import Wire

# --- headers against the body


@pytest.mark.parametrize(
    "headers",
    [
        {"mcp-method": "tools/list"},
        {"mcp-method": None},
        {"mcp-method": "TOOLS/CALL"},
        {"mcp-name": "letters_count_letters"},
        {"mcp-name": None},
        {"mcp-name": "numbers_add_numbers x"},
        {"mcp-name": "Numbers_add_numbers"},
        {"mcp-protocol-version": None},
        {"mcp-protocol-version": "2025-11-25"},
    ],
)
async def test_H01_H02_H04_a_header_that_contradicts_the_body_is_400(
    home: House, headers: dict[str, str | None]
) -> None:
    response = await home.call(GOOD["name"], GOOD["arguments"], headers=headers)
    assert response.status_code == 400
    assert error_of(response)["code"] == -32020
    assert response.json()["id"] == 7
    assert not home.server.calls


async def test_whitespace_around_a_header_is_no_part_of_its_value(home: House) -> None:
    """RFC 9110, section 5.5; not every HTTP parser takes it away."""
    padded = {"mcp-method": " tools/call\t", "mcp-name": "  numbers_add_numbers  "}
    response = await home.call(GOOD["name"], GOOD["arguments"], headers=padded)
    assert response.status_code == 200
    inside = {"mcp-name": "=?base64?IG51bWJlcnNfYWRkX251bWJlcnM=?="}  # a space that is meant
    assert (await home.call(GOOD["name"], {}, headers=inside)).status_code == 400


def sentinels() -> Iterator[tuple[str, bool]]:
    yield "=?base64?bnVtYmVyc19hZGRfbnVtYmVycw==?=", True
    yield "numbers_add_numbers", True
    yield "=?base64?bnVtYmVyc19hZGRfbnVtYmVycw?=", False  # padding left out
    yield "=?BASE64?bnVtYmVyc19hZGRfbnVtYmVycw==?=", False
    yield "=?base64?bnVtYmVyc19hZGRfbnVtYmVycw==", False
    yield "=?base64? bnVtYmVyc19hZGRfbnVtYmVycw==?=", False
    yield "=?base64?bnVtYmVy*c19hZGRfbnVtYmVycw==?=", False
    yield "=?base64?////?=", False  # not UTF-8
    yield "=?base64??=", False
    yield "=?base64?=", False
    yield "=?base64?bnVtYmVyc19hZGRfbnVtYmVycw0K?=", False  # CR LF at the end
    yield "=?base64?PT9iYXNlNjQ/Ym5WdFltVnljMTloWkdSZmJuVnRZbVZ5Y3c9PT89?=", False  # twice
    yield "=?utf-8?B?bnVtYmVyc19hZGRfbnVtYmVycw==?=", False


@pytest.mark.parametrize(("value", "accepted"), list(sentinels()))
async def test_H03_a_wrapped_name_is_decoded_once_and_strictly(
    home: House, value: str, accepted: bool
) -> None:
    response = await home.call(GOOD["name"], GOOD["arguments"], headers={"mcp-name": value})
    assert response.status_code == (200 if accepted else 400)
    if not accepted:
        assert error_of(response)["code"] == -32020
    assert len(home.server.calls) == int(accepted)


@pytest.mark.parametrize("version", ["2099-01-01", "2026-07-28.", "1", "2024-11-05"])
async def test_H04_a_version_not_served_names_those_that_are(home: House, version: str) -> None:
    meta = {**META, "io.modelcontextprotocol/protocolVersion": version}
    body = body_of(params={**GOOD, "_meta": meta})
    headers = home.headers("tools/call", name=GOOD["name"]) | {"mcp-protocol-version": version}
    wire = await Wire(home.gateway, headers, [body]).run()
    assert wire.status == 400
    error = wire.document["error"]
    assert error["code"] == -32022
    assert error["data"]["requested"] == version
    assert error["data"]["supported"] == [MODERN, "2025-11-25", "2025-06-18", "2025-03-26"]
    assert wire.document["id"] == 7


@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {"io.modelcontextprotocol/protocolVersion": MODERN},
        {"io.modelcontextprotocol/clientCapabilities": {}},
        {**META, "io.modelcontextprotocol/protocolVersion": 20260728},
        {**META, "io.modelcontextprotocol/clientCapabilities": None},
    ],
)
async def test_an_incomplete_envelope_is_invalid_params(home: House, meta: Any) -> None:
    params = {**GOOD, "_meta": meta} if meta is not None else GOOD
    headers = home.headers("tools/call", name=GOOD["name"])
    wire = await Wire(home.gateway, headers, [body_of(params=params)]).run()
    assert (wire.status, wire.document["error"]["code"]) == (400, -32602)
    assert not home.server.calls


@pytest.mark.parametrize(
    "twice", ["mcp-name", "mcp-method", "mcp-protocol-version", "host", "origin"]
)
async def test_H06_a_header_given_twice_is_400(home: House, twice: str) -> None:
    headers = [
        (key.encode(), value.encode())
        for key, value in home.headers("tools/call", name=GOOD["name"]).items()
    ]
    headers += [(b"host", b"localhost:8080"), (b"origin", b"http://localhost:8080")]
    headers += [(key, value) for key, value in headers if key == twice.encode()]
    wire = await Wire(home.gateway, headers, [body_of()]).run()
    assert wire.status == 400
    assert not home.server.calls


async def test_H06_an_underscore_twin_is_not_the_header(home: House) -> None:
    headers = home.headers("tools/call") | {"mcp_name": GOOD["name"]}
    wire = await Wire(home.gateway, headers, [body_of()]).run()
    assert wire.document["error"]["code"] == -32020
    headers = home.headers("tools/call", name=GOOD["name"]) | {"mcp_name": "letters_count_letters"}
    wire = await Wire(home.gateway, headers, [body_of()]).run()
    assert wire.status == 200


# --- the method, the origin, the form


@pytest.mark.parametrize("verb", ["GET", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH"])
async def test_H20_only_post_is_served(home: House, verb: str) -> None:
    headers = home.headers("tools/list") | {"x-http-method-override": "POST"}
    wire = await Wire(home.gateway, headers, [], verb=verb).run()
    assert wire.status == 405
    assert wire.answer_headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "http://localhost:8080.evil.example", "http://localhost",
     "https://localhost:8080", "http://evil.localhost:8080", ""],
)  # fmt: skip
async def test_H17_a_foreign_origin_is_403_before_anyone_asks_for_a_token(
    home: House, origin: str
) -> None:
    response = await home.post("tools/list", headers={"origin": origin, "authorization": None})
    assert response.status_code == 403
    assert not {k for k in response.headers if k.startswith("access-control")}
    good = await home.post("tools/list", headers={"origin": "http://localhost:8080"})
    assert good.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:8080.evil.example", "localhost:8081", "", "localhost"]
)
async def test_H17_a_foreign_host_is_403(home: House, host: str) -> None:
    headers = home.headers("tools/list") | {"host": host}
    wire = await Wire(home.gateway, headers, [body_of()]).run()
    assert wire.status == 403


@pytest.mark.parametrize(
    "path", ["/servers/nothing/mcp", "/servers/mcp", "/servers//mcp", "/servers/numbers/x/mcp",
             "/servers/Numbers/mcp"],
)  # fmt: skip
async def test_an_endpoint_that_is_none_is_404(home: House, path: str) -> None:
    wire = await Wire(home.gateway, home.headers("tools/list"), [body_of()], path=path).run()
    assert wire.status == 404


async def test_an_unknown_method_is_404_with_a_json_rpc_body(home: House) -> None:
    for method in ("tools/delete", "completion/complete", "tasks/get", "logging/setLevel", "ping"):
        response = await home.post(method)
        assert response.status_code == 404, method
        assert error_of(response)["code"] == -32601
        assert response.json()["id"] == 7
    assert not home.server.calls


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-encoding": "gzip"}, 415),
        ({"content-encoding": "br"}, 415),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"content-type": None}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"accept": "text/html"}, 406),
        ({"accept": "application/json"}, 200),
        ({"accept": "*/*"}, 200),
    ],
)
async def test_H14_only_plain_json_is_read(
    home: House, headers: dict[str, str | None], status: int
) -> None:
    response = await home.post("tools/list", headers=headers)
    assert response.status_code == status


async def test_H13_two_mebibytes_are_413_and_not_read(home: House) -> None:
    headers = home.headers("tools/call", name=GOOD["name"])
    announced = headers | {"content-length": str(2 * 1024 * 1024)}
    wire = await Wire(home.gateway, announced, [b"x" * 65_536] * 32).run()
    assert (wire.status, wire.document["error"]["code"]) == (413, -31413)
    assert wire.pulled == 0
    wire = await Wire(home.gateway, headers, [b"x" * 65_536] * 32).run()  # chunked: no length given
    assert wire.status == 413
    assert wire.pulled == 17
    lying = headers | {"content-length": "5"}
    wire = await Wire(home.gateway, lying, [b"x" * 65_536] * 32).run()
    assert wire.status == 413
    assert not home.server.calls


async def test_H13_without_a_token_no_body_is_read_at_all(home: House) -> None:
    headers = home.headers("tools/call", name=GOOD["name"]) | {"authorization": "Bearer x"}
    wire = await Wire(home.gateway, headers, [b"x" * 65_536] * 32).run()
    assert (wire.status, wire.pulled) == (401, 0)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "\xb2", "999999999999999999999999"])
async def test_H13_a_length_that_is_none_breaks_nothing(home: House, length: str) -> None:
    headers = home.headers("tools/call", name=GOOD["name"]) | {"content-length": length}
    wire = await Wire(home.gateway, headers, [body_of()]).run()
    assert wire.status in {200, 400, 413}


async def test_who_is_turned_away_is_on_the_record_in_a_sample(home: House) -> None:
    """Counted always, recorded ten times a minute for each reason: noise must not fill the disk."""
    assert home.gateway.edge is not None
    home.gateway.edge.turned_away._seen.clear()  # the other tests of this house were turned away too
    await home.call("numbers_add_numbers", {"numbers": [1]}, headers={"authorization": None})
    mismatch = {"mcp-name": "numbers_note_number"}
    await home.call("numbers_add_numbers", {"numbers": [1]}, headers=mismatch)
    for _ in range(50):
        events = await home.records(kind="event", reason="turned_away")
        told = {(one["detail"]["code"], one["detail"].get("person")) for one in events}
        if {("invalid_token", None), ("header_mismatch", "ana")} <= told:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(told)


async def test_a_redirect_names_a_path_alone(home: House) -> None:
    """Behind a proxy that ends TLS, a redirect with this connection's scheme would lead to plain http."""
    for path in ("/", "/console"):
        answer = await home.http.get(path, headers={"host": "elsewhere.example"})
        assert (answer.status_code, answer.headers["location"]) == (307, "/console/")
    for path in ("/readyz/", "/console/calls/", "/.well-known/oauth-protected-resource/"):
        answer = await home.http.get(path, headers={"host": "elsewhere.example"})
        assert answer.status_code == 404, path
        assert "location" not in answer.headers
