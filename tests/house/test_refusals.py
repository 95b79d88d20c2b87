"""No at the door, for who asks and for what: its status, its code, its words; no server hears of it.

Attacks: tests/attacks/test_tokens*, test_authorization*.
"""

import re

from house.asks import GOOD, error_of
from house.house import House

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
