"""No at the door, for how something is asked: forms, sizes, places. Attacks: tests/attacks/test_http*."""

import asyncio

import pytest
from house.asks import GOOD, body_of, error_of
from house.house import House
from house.wire import Wire


async def test_whitespace_around_a_header_is_no_part_of_its_value(home: House) -> None:
    """RFC 9110, section 5.5; not every HTTP parser takes it away."""
    padded = {"mcp-method": " tools/call\t", "mcp-name": "  numbers_add_numbers  "}
    response = await home.call(GOOD["name"], GOOD["arguments"], headers=padded)
    assert response.status_code == 200
    inside = {"mcp-name": "=?base64?IG51bWJlcnNfYWRkX251bWJlcnM=?="}  # a space that is meant
    assert (await home.call(GOOD["name"], {}, headers=inside)).status_code == 400


@pytest.mark.parametrize(
    "path", ["/servers/nothing/mcp", "/servers/mcp", "/servers//mcp", "/servers/numbers/x/mcp",
             "/servers/Numbers/mcp"],
)  # fmt: skip
async def test_an_endpoint_that_is_none_is_404(home: House, path: str) -> None:
    wire = await Wire(home.gateway, home.headers("tools/list"), [body_of()], path=path).run()
    assert wire.status == 404


async def test_an_unknown_method_is_404_with_a_json_rpc_body(home: House) -> None:
    for method in ("tools/delete", "completion/complete", "tasks/list", "logging/setLevel", "ping"):
        response = await home.post(method)
        assert response.status_code == 404, method
        assert error_of(response)["code"] == -32601
        assert response.json()["id"] == 7
    assert not home.server.calls


async def test_media_types_and_accept_are_read_as_they_are_meant(home: House) -> None:
    for headers, status in (
        ({"content-type": None}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"accept": "text/html"}, 406),
        ({"accept": "application/json"}, 200),
        ({"accept": "*/*"}, 200),
    ):
        response = await home.post("tools/list", headers=headers)
        assert response.status_code == status, headers


async def test_two_mebibytes_are_413_and_not_read(home: House) -> None:
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


async def test_without_a_token_no_body_is_read_at_all(home: House) -> None:
    headers = home.headers("tools/call", name=GOOD["name"]) | {"authorization": "Bearer x"}
    wire = await Wire(home.gateway, headers, [b"x" * 65_536] * 32).run()
    assert (wire.status, wire.pulled) == (401, 0)


async def test_who_is_turned_away_is_on_the_record_in_a_sample(home: House) -> None:
    """Counted always, recorded ten times a minute for each reason: noise must not fill the disk."""
    await home.call("numbers_add_numbers", {"numbers": [1]}, headers={"authorization": None})
    mismatch = {"mcp-name": "numbers_note_number"}
    await home.call("numbers_add_numbers", {"numbers": [1]}, headers=mismatch)
    for _ in range(400):
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
