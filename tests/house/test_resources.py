"""Resources: asked of the servers in the person's name, page by page, and read on the record."""

from typing import Any

from house.asks import error_of, result_of
from house.house import RECEIPT, House

from mcp_gateway.protocol import encode_header


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
