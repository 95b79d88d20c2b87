"""What of a request reaches the server as it came, and what is the gateway's own."""

import json
from typing import Any

from house.asks import GOOD, result_of
from house.house import META, House

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def upstream(home: House) -> tuple[dict[str, str], dict[str, Any]]:
    (found,) = [
        (head, json.loads(body)) for head, body in home.server.seen if b"tools/call" in body
    ]
    return found


async def test_headers_of_arguments_that_the_gateway_does_not_know_pass_as_they_are(
    home: House,
) -> None:
    """An intermediary forwards `Mcp-Param-*` that it does not recognize."""
    sent: dict[str, str | None] = {
        "mcp-param-tenant": "=?base64?WsO8cmljaA==?=",
        "mcp-param-x": "1",
    }
    result_of(await home.call(GOOD["name"], GOOD["arguments"], headers=sent))
    head, _ = upstream(home)
    assert {key: one for key, one in head.items() if key.startswith("mcp-param-")} == sent


async def test_progress_token_and_trace_pass_and_the_envelope_is_the_gateways(home: House) -> None:
    meta = {**META, "progressToken": "p-1", "traceparent": TRACE, "example.com/own": "stays here"}
    meta["io.modelcontextprotocol/clientInfo"] = {"name": "somebody", "version": "9"}
    result_of(await home.post("tools/call", {**GOOD, "_meta": meta}, request_id="mine"))
    head, message = upstream(home)
    passed = message["params"]["_meta"]
    assert passed["progressToken"] == "p-1"
    assert passed["traceparent"].split("-")[1] == TRACE.split("-")[1]
    assert message["id"] != "mine"
    assert (message["params"]["name"], head["mcp-name"]) == ("add_numbers", "add_numbers")
    # what a client says of itself is not said on in our name
    assert passed["io.modelcontextprotocol/clientInfo"]["name"] == "mcp-gateway"
    assert "example.com/own" not in passed
    assert head["authorization"] != f"Bearer {home.token()}"
