"""A server that shows what few servers have: mirrored arguments, completion, questions elsewhere."""

from typing import Any

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from mcp_shared.contract import definition_hash

COMPLETE = {"resultType": "complete"}
CACHED = {**COMPLETE, "ttlMs": 5000, "cacheScope": "public"}
ASKS = {
    "resultType": "input_required",
    "inputRequests": {"why": {"method": "elicitation/create", "params": {"message": "Why?", "requestedSchema": {"type": "object", "properties": {}}}}},
    "requestState": "asked",
}  # fmt: skip
TOOL = {
    "name": "by_region",
    "inputSchema": {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "year": {"type": "integer", "x-mcp-header": "Year"},
            "open": {"type": "boolean", "x-mcp-header": "Open"},
            "where": {
                "type": "object",
                "properties": {"shelf": {"type": "string", "x-mcp-header": "Shelf"}},
            },
            "note": {"type": "string"},
        },
        "additionalProperties": False,
    },
}
PROMPT = {"name": "sum_up", "arguments": [{"name": "of", "required": True}]}
POLICY = """
tools: { by_region: { roles: [analyst] } }
prompts: { sum_up: { roles: [analyst] } }
resources: { "numbers://shelf/*": { roles: [analyst] } }
"""
LOCK = {
    "server": "numbers", "title": "Numbers", "version": "1", "instructions": "", "resources": True,
    "completions": True,
    "tools": [{**TOOL, "hash": definition_hash(TOOL)}],
    "prompts": [{**PROMPT, "hash": definition_hash(PROMPT)}],
}  # fmt: skip


def a_particular_server() -> Server[Any]:
    async def list_tools(_ctx: Any, _params: Any) -> dict[str, Any]:
        return {"tools": [TOOL], **CACHED}

    async def call_tool(_ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
        return {"content": [], "structuredContent": params.arguments or {}, **COMPLETE}

    async def list_prompts(_ctx: Any, _params: Any) -> dict[str, Any]:
        return {"prompts": [PROMPT], **CACHED}

    async def get_prompt(_ctx: Any, params: types.GetPromptRequestParams) -> dict[str, Any]:
        if params.request_state != "asked":
            return ASKS
        return {"messages": [], **COMPLETE}

    async def list_resources(_ctx: Any, _params: Any) -> dict[str, Any]:
        return {"resources": [], **CACHED}

    async def read(_ctx: Any, params: types.ReadResourceRequestParams) -> dict[str, Any]:
        if str(params.uri).endswith("/secret") and params.request_state != "asked":
            return ASKS
        if str(params.uri).endswith("/nothing"):
            raise MCPError(types.INVALID_PARAMS, "Resource not found", data={"uri": params.uri})
        return {"contents": [{"uri": str(params.uri), "text": "x"}], **CACHED}

    async def complete(_ctx: Any, params: types.CompleteRequestParams) -> dict[str, Any]:
        values = [f"{params.argument.value}-1", f"{params.argument.value}-2"]
        return {"completion": {"values": values, "total": 2}, **COMPLETE}

    untyped: Any = Server  # handlers answer with wire documents, which its types do not say
    made: Server[Any] = untyped(
        "numbers", version="1", on_list_tools=list_tools, on_call_tool=call_tool,
        on_list_prompts=list_prompts, on_get_prompt=get_prompt, on_list_resources=list_resources,
        on_read_resource=read, on_completion=complete,
    )  # fmt: skip
    return made
