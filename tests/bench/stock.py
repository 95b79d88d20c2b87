"""The same tool served by the SDK, as processes of their own.

python -m bench.stock             as this repository serves tools: token check, spans, contract
python -m bench.stock plain PORT  the SDK alone, with nothing around it
"""

import sys
from typing import Any

import uvicorn
from bench import read_shelf
from mcp.server.mcpserver import MCPServer

from mcp_shared import serve


def build() -> MCPServer[Any]:
    return serve.new_server(
        "stock",
        title="Stock",
        version="1",
        instructions="About shelves.",
        tools=[read_shelf],
    )


def plain(port: int) -> None:
    """Answers as plain JSON and without sessions: the SDK's cheapest way."""
    server: MCPServer[Any] = MCPServer("stock", log_level="WARNING", subscriptions=False)
    server.tool()(read_shelf.read_shelf)
    app = server.streamable_http_app(stateless_http=True, json_response=True)
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    if sys.argv[1:2] == ["plain"]:
        plain(int(sys.argv[2]))
    else:
        serve.main("bench.stock")
