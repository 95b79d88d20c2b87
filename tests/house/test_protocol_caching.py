"""What a client may keep, and for whom: said on every list, in words of its own era."""

from typing import Any

import pytest
from house.asks import result_of
from house.house import House

KEPT = ("resultType", "ttlMs", "cacheScope")
LISTS = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]


@pytest.mark.parametrize("endpoint", ["", "numbers"])
@pytest.mark.parametrize("method", [*LISTS, "server/discover"])
async def test_every_list_is_one_persons_and_says_how_long_it_is_fresh(
    home: House, endpoint: str, method: str
) -> None:
    """Lists differ by right, so `public` would hand one person's to another."""
    result = result_of(await home.post(method, endpoint=endpoint))
    assert result["resultType"] == "complete"
    assert result["cacheScope"] == "private"
    assert isinstance(result["ttlMs"], int)
    assert result["ttlMs"] >= 0


@pytest.mark.parametrize("method", LISTS)
async def test_an_older_client_is_told_nothing_of_it(home: House, method: str) -> None:
    result = result_of(await home.legacy(method))
    assert not result.keys() & set(KEPT)


@pytest.mark.parametrize("method", LISTS)
async def test_a_list_is_the_same_for_one_person_whatever_was_asked_before(
    home: House, method: str
) -> None:
    """Stateless: nothing is remembered of a connection, or of what it asked before."""

    def of(result: dict[str, Any]) -> dict[str, Any]:
        return {key: one for key, one in result.items() if key != "nextCursor"}  # sealed anew

    first = of(result_of(await home.post(method)))
    await home.legacy("initialize")
    await home.post(method, person="ben")
    assert of(result_of(await home.post(method))) == first


@pytest.mark.parametrize("empty", ["", None])
async def test_an_empty_cursor_is_a_cursor_and_none_is_none(home: House, empty: str | None) -> None:
    answer = await home.post("tools/list", {"cursor": empty})
    assert answer.status_code == (200 if empty is None else 400)


async def test_a_list_says_who_lists(home: House) -> None:
    named = result_of(await home.post("tools/list"))["_meta"]
    assert named["io.modelcontextprotocol/serverInfo"]["name"] == "mcp-gateway"
