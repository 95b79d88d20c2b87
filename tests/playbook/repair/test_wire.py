"""What the measurement reads is what servers send: the SDK's own text, and ours over the protocol."""

from typing import Annotated, Any, Literal

import pytest
from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult, TextContent
from pydantic import Field
from shared.toolbox import add_numbers

from mcp_playbook.repair.layers import LAYERS
from mcp_shared import serve


def sdk_server() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("plain")

    @server.tool()
    def look(
        number: Annotated[int, Field(ge=0, le=9)],
        style: Literal["plain", "roman"] = "plain",
        day: Annotated[str, Field(pattern="^[0-9]{4}-", max_length=10)] | None = None,
    ) -> str:
        """Look."""
        return f"{number} {style} {day}"

    return server


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def answered(server: MCPServer[Any], tool: str, sent: dict[str, Any]) -> tuple[str, str]:
    """What the measurement says of these arguments, and what the server says."""
    (definition,) = await server.list_tools()
    layer = LAYERS["pydantic" if tool == "look" else "structured"]
    reply = layer(tool, definition.input_schema)(sent)
    async with Client(server) as client:
        result = await client.call_tool(tool, sent)
    assert result.is_error is (reply.accepted is None)
    return reply.text, text_of(result)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"number": 99, "styel": "roman"},
        {"number": "x", "style": "romn"},
        {"number": [1], "style": None},
        {"number": 1, "day": "1 March 2026"},
        {"number": 1, "day": "March"},
        {"number": 1, "day": 5},
    ],
)
async def test_the_sdks_model_says_the_same_to_us_and_to_a_client(sent: dict[str, Any]) -> None:
    ours, theirs = await answered(sdk_server(), "look", sent)
    assert ours == theirs


async def test_the_sdks_model_takes_what_ours_refuses() -> None:
    """Text for a number, and a misspelt argument that is then left out in silence."""
    (tool,) = await sdk_server().list_tools()
    sent = {"number": "5", "styel": "roman"}
    assert LAYERS["pydantic"]("look", tool.input_schema)(sent).accepted == {"number": 5}
    async with Client(sdk_server()) as client:
        result = await client.call_tool("look", sent)
    assert (result.is_error, text_of(result)) == (False, "5 plain None")


@pytest.mark.parametrize(
    "sent", [{}, {"numbers": [1, 99], "styel": "plain"}, {"numbers": "1", "style": "romn"}]
)
async def test_our_servers_say_over_the_protocol_what_is_measured(sent: dict[str, Any]) -> None:
    server = serve.new_server("x", title="X", version="1", instructions="X.", tools=[add_numbers])
    ours, theirs = await answered(server, "add_numbers", sent)
    assert ours == theirs
    assert ours
