"""No at the door, for who asks and for what: its status, its code, its words; no server hears of it.

The rows of the attack table are in the names: A authorization.
"""

import re

import pytest
from house.asks import GOOD, body_of, error_of, without_receipt
from house.house import META, House
from house.wire import Wire

from mcp_gateway.wrapped import encode_header

# --- tokens: what is forged or carried elsewhere is in tests/attacks


async def test_no_token_is_401_with_the_place_to_sign_in(home: House) -> None:
    response = await home.call(GOOD["name"], GOOD["arguments"], headers={"authorization": None})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == (
        'Bearer scope="aud:mcp", '
        'resource_metadata="http://localhost:8080/.well-known/oauth-protected-resource/mcp"'
    )
    assert error_of(response)["code"] == -31401
    assert not home.server.seen
    assert [one for one in await home.records() if one["kind"] != "event"] == []


async def test_the_challenge_of_a_server_endpoint_names_that_endpoint(home: House) -> None:
    response = await home.post("tools/list", endpoint="letters", headers={"authorization": None})
    assert response.headers["www-authenticate"] == (
        'Bearer scope="aud:letters", resource_metadata='
        '"http://localhost:8080/.well-known/oauth-protected-resource/servers/letters/mcp"'
    )


# --- names


async def test_A04_a_forbidden_tool_reads_like_an_unknown_one(home: House) -> None:
    # dee is a contractor: note_number exists, and not for her
    answers = []
    for _ in range(3):
        forbidden = await home.call("numbers_note_number", {"number": 1}, person="dee")
        unknown = await home.call("numbers_cite_number", {"number": 1}, person="dee")
        answers.append((without_receipt(forbidden), len(forbidden.content)))
        answers.append((without_receipt(unknown), len(unknown.content)))
    assert len({repr(answer) for answer, _ in answers}) == 1
    # the receipt names places in the ledger, whose digits may differ, and nothing else does
    sizes = [size for _, size in answers]
    assert max(sizes) - min(sizes) <= 8
    assert answers[0][0][0] == 400
    assert answers[0][0][2]["error"] == {"code": -32602, "message": "Unknown tool", "data": {}}
    reasons = [one["reason"] for one in await home.records(kind="refusal", person="dee")]
    assert reasons == ["no_role", "not_in_catalogue"] * 3
    assert not home.server.calls


async def test_A04_a_forbidden_tool_is_limited_like_an_unknown_one(home: House) -> None:
    """Else the moment the limit comes tells which names exist."""

    async def answered(tool: str, person: str) -> int:
        for count in range(80):
            response = await home.call(tool, {"number": 1}, person=person)
            if "result" in response.json():
                return count
        return -1

    forbidden = await answered("numbers_note_number", "dee")
    unknown = await answered("numbers_cite_number", "ben")
    assert abs(forbidden - unknown) <= 1


async def test_A04_neither_does_a_prompt_or_a_resource_give_itself_away(home: House) -> None:
    for method, key, hidden, absent in [
        ("prompts/get", "name", "numbers_sum_up", "numbers_add_up"),
        ("resources/read", "uri", "numbers://digits/1", "nothing://digits/1"),
        ("resources/read", "uri", "letters://alphabet", "lettres://alphabet"),
    ]:
        first = await home.post(method, {key: hidden}, person="dee")
        second = await home.post(method, {key: absent}, person="dee")
        assert without_receipt(first) == without_receipt(second), method
        assert error_of(first)["code"] == -32602
    assert not home.server.of("prompts/get") + home.server.of("resources/read")


NAMES = [
    "", "numbers", "numbers_", "_add_numbers", "add_numbers", "Numbers_add_numbers",
    "numbers_Add_numbers", "numbers_add_numbers ", " numbers_add_numbers", "numbers_add_numbers.",
    "numbers__add_numbers", "numbers_add_numbers\t", "numbers_add_numbers\n", "numbers.add_numbers",
    "numbers/add_numbers", "numbers%5Fadd_numbers", "ｎumbers_add_numbers", "nսmbers_add_numbers",
    "numbers_add\u200d_numbers", "numbers_add_numbers\u200b", "numbers_ａdd_numbers", "letters_add_numbers",
    "numbers_numbers_add_numbers", "../numbers_add_numbers", "numbers_*", "*", "n" * 129, "x" * 100_000,
    "numbers_add_numbers;drop", "numbers_add_numbers#", "numbers_add_numbers?", "ñumbers_add_numbers",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[:32])
async def test_A01_only_the_exact_name_leads_to_a_tool(home: House, name: str) -> None:
    headers = home.headers("tools/call") | {"mcp-name": encode_header(name)}
    body = body_of(params={"name": name, "arguments": {"numbers": [1]}, "_meta": META})
    wire = await Wire(home.gateway, headers, [body]).run()
    assert wire.document["error"]["code"] == -32602
    assert not home.server.calls
    (record,) = await home.records(kind="refusal")
    assert record["decision"] == "deny"
    assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 200


async def test_the_prefix_belongs_to_the_aggregate_only(home: House) -> None:
    response = await home.call("numbers_add_numbers", {"numbers": [1]}, endpoint="numbers")
    assert error_of(response)["code"] == -32602
    response = await home.call("add_numbers", {"numbers": [1]}, endpoint="numbers")
    assert response.json()["result"]["structuredContent"]["total"] == 1


async def test_no_answer_tells_of_the_inside(home: House) -> None:
    """Neither a stack nor an address of a server, a store or the issuer's inside."""
    inside = re.compile(
        rb"Traceback|127\.0\.0\.1|internal/mcp|\.py|asyncpg|redis|valkey", re.IGNORECASE
    )
    answers = [
        await home.call("numbers_nothing", {}),
        await home.call(GOOD["name"], GOOD["arguments"], headers={"authorization": None}),
        await home.call("numbers_add_numbers", {"numbers": [9, 9, 9]}),
        await home.post("nothing/at/all"),
        await home.post("resources/read", {"uri": "file:///etc/passwd"}),
    ]
    for response in answers:
        assert not inside.search(response.content), response.text
        assert not any(inside.search(value.encode()) for value in response.headers.values())
