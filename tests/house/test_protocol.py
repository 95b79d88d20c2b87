"""Both eras on both endpoints: discovery, handshake, lists by person, resources page by page."""

from typing import Any

import pytest
from house.asks import GOOD, error_of, result_of
from house.house import MODERN, RECEIPT, House
from house.wire import Wire

LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26"]
ENDPOINTS = ["", "numbers"]


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_discover_says_what_is_served_and_for_how_long(home: House, endpoint: str) -> None:
    result = result_of(await home.post("server/discover", endpoint=endpoint))
    assert result["resultType"] == "complete"
    assert result["supportedVersions"] == [MODERN, *LEGACY]
    told = {"listChanged": True}
    assert result["capabilities"] == {
        "tools": told, "prompts": told, "resources": {}, "logging": {},
    }  # fmt: skip
    assert result["ttlMs"] > 0
    assert result["cacheScope"] == "private"
    assert ("About letters." in result["instructions"]) is (endpoint == "")


async def test_discover_speaks_only_of_servers_the_person_can_use(home: House) -> None:
    assert "letters" not in (await home.post("server/discover", person="dee")).text.lower()
    assert result_of(await home.post("server/discover", person="olu"))["instructions"] == ""


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize(
    ("asked", "given"),
    [*((one, one) for one in LEGACY), ("2024-11-05", LEGACY[0]), ("x", LEGACY[0])],
)
async def test_initialize_agrees_on_a_version_and_makes_no_session(
    home: House, endpoint: str, asked: str, given: str
) -> None:
    params = {
        "protocolVersion": asked,
        "capabilities": {},
        "clientInfo": {"name": "c", "version": "1"},
    }
    response = await home.legacy("initialize", params, version=None, endpoint=endpoint)
    result = result_of(response)
    assert result["protocolVersion"] == given
    assert result["serverInfo"]["name"] == "mcp-gateway"
    assert result["capabilities"]["tools"] == {}
    assert "mcp-session-id" not in response.headers
    assert result_of(await home.legacy("ping", version=given, endpoint=endpoint)) == {}


@pytest.mark.parametrize("version", [None, *LEGACY])
async def test_an_older_client_gets_its_own_form_of_a_result(
    home: House, version: str | None
) -> None:
    listed = result_of(await home.legacy("tools/list", version=version))
    assert listed.keys() == {"tools"}
    called = result_of(await home.legacy("tools/call", GOOD, version=version))
    assert called["structuredContent"] == {"total": 1, "who": "ana"}
    assert not {"resultType", "ttlMs", "cacheScope"} & called.keys()
    assert called["_meta"][RECEIPT]["leaf"]
    outcome = (await home.records(kind="outcome"))[0]
    assert outcome["era"] == (version or "2025-03-26")


async def test_an_older_client_reads_errors_from_the_body(home: House) -> None:
    unknown = await home.legacy("tools/call", {"name": "numbers_x", "arguments": {}})
    assert (unknown.status_code, error_of(unknown)["code"]) == (200, -32602)
    method = await home.legacy("tools/nothing")
    assert (method.status_code, error_of(method)["code"]) == (200, -32601)
    version = await home.legacy("tools/list", version="2023-01-01")
    assert (version.status_code, error_of(version)["code"]) == (400, -32022)


@pytest.mark.parametrize(
    "method", ["notifications/initialized", "notifications/cancelled", "tools/call"]
)
async def test_a_message_without_an_id_is_accepted_and_does_nothing(
    home: House, method: str
) -> None:
    body = (
        b'{"jsonrpc":"2.0","method":"%s","params":{"name":"numbers_add_numbers"}}' % method.encode()
    )
    for headers in (
        home.headers(method),
        {**home.headers(method), "mcp-protocol-version": LEGACY[0]},
    ):
        wire = await Wire(home.gateway, headers, [body]).run()
        assert (wire.status, wire.body) == (202, b"")
    assert not home.server.seen
    assert await home.records() == []


async def test_each_person_sees_their_own_tools_and_no_word_of_the_others(home: House) -> None:
    names = {
        person: [
            tool["name"]
            for tool in result_of(await home.post("tools/list", person=person))["tools"]
        ]
        for person in ("ana", "ben", "cho", "dee", "olu")
    }
    assert names == {
        "ana": [
            "numbers_add_numbers",
            "numbers_note_number",
            "numbers_wait_long",
            "letters_count_letters",
        ],
        "ben": ["letters_count_letters"],
        "cho": [],
        "dee": ["numbers_add_numbers"],
        "olu": [],
    }
    text = (await home.post("tools/list", person="dee")).text
    assert "note_number" not in text
    assert "Note a digit" not in text
    own = result_of(await home.post("tools/list", person="dee", endpoint="numbers"))
    assert [tool["name"] for tool in own["tools"]] == ["add_numbers"]
    assert own["cacheScope"] == "private"
    assert not home.server.seen  # answered from what was reviewed


async def test_what_is_listed_can_be_called_and_the_rest_cannot(home: House) -> None:
    """One decision for both."""
    everything = result_of(await home.post("tools/list"))["tools"]
    for person in ("ana", "ben", "cho", "dee"):
        listed = result_of(await home.post("tools/list", person=person))["tools"]
        for tool in everything:
            response = await home.call(tool["name"], {"wrong": 1}, person=person)
            allowed = "result" in response.json()
            assert allowed is (tool in listed), (person, tool["name"])


async def test_prompts_are_listed_and_got_under_the_same_policy(home: House) -> None:
    listed = result_of(await home.post("prompts/list"))
    assert [one["name"] for one in listed["prompts"]] == ["numbers_sum_up"]
    assert "hash" not in listed["prompts"][0]
    assert result_of(await home.post("prompts/list", person="dee"))["prompts"] == []
    got = result_of(
        await home.post("prompts/get", {"name": "numbers_sum_up", "arguments": {"of": "x"}})
    )
    assert got["messages"][0]["content"]["text"] == "Add the digits of x."
    assert got["_meta"][RECEIPT]["leaf"]
    (asked,) = home.server.of("prompts/get")
    assert asked["params"]["name"] == "sum_up"
    assert [one["tool"] for one in await home.records(method="prompts/get")] == ["sum_up"] * 2


async def test_a_list_that_has_one_page_knows_no_cursor(home: House) -> None:
    cursors: list[Any] = ["", "x", 1, [], "AAAA"]
    for cursor in cursors:
        response = await home.post("tools/list", {"cursor": cursor})
        assert (response.status_code, error_of(response)["code"]) == (400, -32602)
    assert result_of(await home.post("tools/list", {"cursor": None}))["tools"]


# --- the rest of the public port


async def test_p04_there_is_nothing_else_on_the_public_port(home: House) -> None:
    for path in (
        "/docs",
        "/openapi.json",
        "/metrics",
        "/debug",
        "/admin",
        "/.env",
        "/servers",
        "/mcp/",
        "/MCP",
    ):
        assert (await home.http.get(path)).status_code == 404, path
    assert (await home.http.get("/healthz")).json() == {"status": "ok"}
    assert (await home.http.get("/readyz")).json() == {
        "ready": True,
        "ledger": True,
        "issuer_keys": True,
    }
