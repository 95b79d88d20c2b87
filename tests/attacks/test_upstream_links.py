"""U14: answers that lead to files, other servers and strange hosts; and links that give no right."""

import base64
import json
from typing import Any

import httpx2
import pytest
from attacks.upstream import Malicious, answer, outcome
from house.asks import error_of, tool_error
from house.house import House

from mcp_gateway.answers.links import REMOVED

OWN = ["numbers://open/1", "numbers://board/minutes", "https://files.larkfield.example/a?b=c#d"]
STRANGE = [
    "file:///etc/passwd", "letters://alphabet", "NUMBERS://open/1", "numbers:/open/1", "numbers:",
    " numbers://open/1", "numbers://open/\u202e1", "http://files.larkfield.example/a",
    "https://evil.example/", "https://files.larkfield.example.evil.example/",
    "https://files.larkfield.example@evil.example/", "https://evil.example\\@files.larkfield.example/",
    "https://files.larkfield.example:8443/", "https://files.larkfield.example\\.evil.example/",
    "https://user@files.larkfield.example/", "https:files.larkfield.example", "//files.larkfield.example/",
    "javascript:alert(1)", "data:text/html,x", "ui://widget", "", "https://files.larkfield.exampl\u0435/",
    7, None, ["numbers://open/1"],
]  # fmt: skip


def link(uri: Any) -> dict[str, Any]:
    return {"type": "resource_link", "uri": uri, "name": "x"}


def embedded(uri: Any) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "text": "inside"}}


@pytest.mark.parametrize("form", [link, embedded])
async def test_u14_what_leads_elsewhere_is_taken_out_and_the_rest_stays(
    behind: House, form: Any
) -> None:
    words = {"type": "text", "text": "a resource, in words"}
    content = [words, *map(form, OWN), *map(form, STRANGE), words]
    result = await answer(behind, {"content": content})
    assert result["content"][: len(OWN) + 1] == [words, *map(form, OWN)]
    removed = result["content"][len(OWN) + 1 : -1]
    assert removed == [{"type": "text", "text": REMOVED}] * len(STRANGE)
    assert result["content"][-1] == words
    assert (await outcome(behind))["inspected"] == {"links": len(STRANGE)}


@pytest.mark.parametrize(
    "block",
    [
        r'{"\u0074ype":"\u0072esource_lin\u006b","u\u0072i":"file:///etc/passwd","name":"x"}',
        r'{"type":"resource_link","uri":"numbers://open/1","uri":"file:///etc/passwd","name":"x"}',
        r'{"type":"text","type":"\u0072esource_link","uri":"file:\/\/\/etc\/passwd","name":"x"}',
        r'{"type":"resource","resource":{"uri":"file:\u002f\u002f/etc/passwd","text":"x"}}',
    ],
)
async def test_u14_a_link_cannot_be_spelt_past_the_gateway(
    behind: House, evil: Malicious, block: str
) -> None:
    response = await behind.call("numbers_look", {"how": f'raw {{"content":[{block}]}}'})
    assert response.json()["result"]["content"] == [{"type": "text", "text": REMOVED}]
    assert "passwd" not in response.text
    assert evil.told("effect")


CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"


@pytest.mark.parametrize("mode", ["url", "form"])
@pytest.mark.parametrize("url", STRANGE)
async def test_u14_no_question_sends_a_person_to_a_strange_page(
    behind: House, mode: str, url: Any
) -> None:
    response = await asking(behind, {"mode": mode, "message": "Sign in", "url": url})
    text, said = tool_error(response)
    assert said["code"] == "server_failed"
    assert "does not list" in text
    assert "Sign in" not in response.text
    assert (await outcome(behind))["status"] == "failed"


async def test_u14_a_page_that_the_policy_lists_may_be_asked_for(behind: House) -> None:
    params = {"mode": "url", "message": "Sign in", "url": OWN[-1], "elicitationId": "e-1"}
    result = (await asking(behind, params)).json()["result"]
    assert result["inputRequests"]["one"]["params"] == params


async def asking(behind: House, params: dict[str, Any]) -> httpx2.Response:
    requests = {"one": {"method": "elicitation/create", "params": params}}
    result = {"resultType": "input_required", "inputRequests": requests}
    call = {"name": "numbers_look", "arguments": {"how": f"raw {json.dumps(result)}"}}
    able: dict[str, Any] = {CAPABILITIES: {"elicitation": {"form": {}, "url": {}}}}
    return await behind.post("tools/call", {**call, "_meta": able})


async def test_u14_icons_are_not_fetched_from_elsewhere(behind: House) -> None:
    def with_icon(src: str) -> dict[str, Any]:
        return {**link("numbers://open/1"), "icons": [{"src": src}]}

    kept = [
        with_icon("https://files.larkfield.example/i.png"),
        with_icon("data:image/png;base64,AA"),
    ]
    result = await answer(behind, {"content": [*kept, with_icon("https://evil.example/seen.png")]})
    assert result["content"] == [*kept, link("numbers://open/1")]


async def test_u14_a_resource_read_is_the_servers_own_or_nothing(behind: House) -> None:
    for uri in ("file:///etc/passwd", "letters://alphabet"):
        said = {"contents": [{"uri": uri, "text": "root:x:0"}]}
        coded = base64.b64encode(json.dumps(said).encode()).decode()
        response = await behind.post("resources/read", {"uri": f"numbers://open/{coded}"})
        assert "root:x:0" not in response.text
        assert error_of(response)["message"].startswith("The server answered with a resource")
        assert (await outcome(behind))["reason"] == "server_failed"
    listed = (await behind.post("resources/list")).json()["result"]["resources"]
    assert [one["uri"] for one in listed] == ["numbers://open/1"]


async def test_u14_reading_a_link_is_decided_like_any_other_reading(
    behind: House, evil: Malicious
) -> None:
    result = await answer(behind, {"content": [link(one) for one in OWN]})
    shown = [one["uri"] for one in result["content"]]
    assert "numbers://board/minutes" in shown  # its own, and for an operator
    for uri in [*shown[1:], "file:///etc/passwd", "letters://alphabet", "https://evil.example/"]:
        response = await behind.post("resources/read", {"uri": uri})
        assert error_of(response)["message"] == "Unknown resource"
    assert not evil.told("asked", method="resources/read")
