"""Both eras on both endpoints: discovery, handshake, lists by person, resources page by page."""

from typing import Any

import pytest
from house.asks import GOOD, error_of
from house.house import GATEWAY, MODERN, RECEIPT, House
from house.wire import Wire

from mcp_gateway.read import encode_header

LEGACY = ["2025-11-25", "2025-06-18", "2025-03-26"]
ENDPOINTS = ["", "numbers"]


def result_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    document = response.json()
    assert "error" not in document, document
    found: dict[str, Any] = document["result"]
    return found


@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_discover_says_what_is_served_and_for_how_long(home: House, endpoint: str) -> None:
    result = result_of(await home.post("server/discover", endpoint=endpoint))
    assert result["resultType"] == "complete"
    assert result["supportedVersions"] == [MODERN, *LEGACY]
    assert result["capabilities"] == {"tools": {}, "prompts": {}, "resources": {}}
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


# --- resources


async def pages(home: House, person: str = "ana", endpoint: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    params: dict[str, Any] = {}
    while True:
        page = result_of(
            await home.post("resources/list", params, person=person, endpoint=endpoint)
        )
        found.append(page)
        if "nextCursor" not in page:
            return found
        params = {"cursor": page["nextCursor"]}


async def test_resources_of_all_servers_come_page_by_page(home: House) -> None:
    found = await pages(home)
    assert [[one["uri"] for one in page["resources"]] for page in found] == [
        ["numbers://digits/1", "numbers://digits/2"], ["numbers://digits/3"], ["letters://alphabet"],
    ]  # fmt: skip
    assert all(page["cacheScope"] == "private" for page in found)
    assert "second" not in str(found[0]["nextCursor"])
    # ben may read numbers, and letters' resources are not his
    assert [len(page["resources"]) for page in await pages(home, "ben")] == [2, 1]
    assert result_of(await home.post("resources/list", person="dee"))["resources"] == []
    own = await pages(home, endpoint="numbers")
    assert own[0]["nextCursor"] == "second"
    assert await home.records() == []


async def test_a15_a_cursor_is_of_one_person_one_list_and_one_piece(home: House) -> None:
    cursor = (await pages(home))[0]["nextCursor"]
    asked = len(home.server.of("resources/list"))
    tampered = [
        cursor[:-1],
        cursor + "A",
        cursor[::-1],
        "A" + cursor[1:],
        "",
        "second",
        "%%%",
        "é",
        "A" * 9000,
    ]
    tampered += [
        cursor[:i] + ("A" if cursor[i] != "A" else "B") + cursor[i + 1 :]
        for i in range(0, len(cursor), 5)
    ]
    attempts = [("ana", "resources/list", one) for one in tampered]
    attempts += [("ben", "resources/list", cursor), ("ana", "resources/templates/list", cursor)]
    for person, method, one in attempts:
        response = await home.post(method, {"cursor": one}, person=person)
        assert (response.status_code, error_of(response)["code"]) == (400, -32602), one
        assert error_of(response)["message"] == "Unknown cursor."
    assert len(home.server.of("resources/list")) == asked


async def test_resource_templates_are_listed_too(home: House) -> None:
    result = result_of(await home.post("resources/templates/list"))
    assert [one["uriTemplate"] for one in result["resourceTemplates"]] == [
        "numbers://digits/{digit}"
    ]


async def test_a_resource_is_read_in_the_persons_name_and_on_the_record(home: House) -> None:
    for person, endpoint in (("ana", ""), ("ben", ""), ("ana", "numbers")):
        response = await home.post(
            "resources/read", {"uri": "numbers://digits/7"}, person=person, endpoint=endpoint
        )
        result = result_of(response)
        assert result["contents"][0]["text"] == "the digit 7"
        assert result["_meta"][RECEIPT]["leaf"]
    records = await home.records(method="resources/read", kind="outcome")
    assert [one["tool"] for one in records] == ["numbers://digits/7"] * 3
    elsewhere = await home.post("resources/read", {"uri": "letters://alphabet"}, endpoint="numbers")
    assert error_of(elsewhere)["code"] == -32602
    # the sdk's legacy form of the same read
    legacy = result_of(await home.legacy("resources/read", {"uri": "numbers://digits/7"}))
    assert "ttlMs" not in legacy


async def test_u14_a_uri_of_another_scheme_leads_nowhere(home: House) -> None:
    for uri in (
        "file:///etc/passwd", "http://169.254.169.254/", "NUMBERS://digits/1", "numbers:digits/1",
        "numbers//digits/1", " numbers://digits/1", "numbers\u200b://digits/1", "://", "",
    ):  # fmt: skip
        response = await home.post(
            "resources/read", {"uri": uri}, headers={"mcp-name": encode_header(uri)}
        )
        assert error_of(response)["code"] == -32602, uri
    assert not home.server.of("resources/read")


async def test_resource_lists_are_limited_as_well(home: House) -> None:
    """They reach the servers, so they count: five a minute by their line of the policy."""
    answers = [await home.post("resources/list", endpoint="letters") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert answers[-1].headers["retry-after"]
    assert len(home.servers["letters"].of("resources/list")) == 5


# --- metadata


@pytest.mark.parametrize(
    ("path", "resource"),
    [
        ("/mcp", "/mcp"),
        ("", "/mcp"),
        ("/servers/numbers/mcp", "/servers/numbers/mcp"),
        ("/servers/letters/mcp", "/servers/letters/mcp"),
    ],
)
async def test_o01_resource_metadata_comes_from_configuration_alone(
    home: House, path: str, resource: str
) -> None:
    where = f"/.well-known/oauth-protected-resource{path}"
    plain = await home.http.get(where)
    forged = await home.http.get(
        where,
        headers={
            "host": "evil.example",
            "x-forwarded-host": "evil.example",
            "forwarded": "host=evil.example",
        },
    )
    assert plain.content == forged.content
    assert plain.json()["resource"] == GATEWAY + resource
    assert plain.json()["authorization_servers"] == [home.issuer.url]
    scope = "aud:mcp" if resource == "/mcp" else f"aud:{resource.split('/')[2]}"
    assert plain.json()["scopes_supported"] == [scope]
    assert plain.json()["bearer_methods_supported"] == ["header"]


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
