"""The server, put together. It needs nothing, so nothing is opened."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field

from mcp_numbers.tools import factor_number, summarise_numbers, write_roman
from mcp_shared.serve import new_server


def build() -> MCPServer[Any]:
    server = new_server(
        "numbers",
        title="Numbers",
        version="0.1.0",
        instructions="Facts about whole numbers, computed and never looked up.",
        tools=[factor_number, write_roman, summarise_numbers],
    )

    @server.prompt(title="Explain a number")
    def explain_number(
        number: Annotated[str, Field(max_length=10, description="The number to explain.")],
    ) -> str:
        """Explain a number from its factors and its Roman spelling."""
        return f"Call factor_number and write_roman for {number} and explain what they answer."

    return server
