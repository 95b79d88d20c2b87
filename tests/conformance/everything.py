"""A server with every feature the conformance suite asks for, under the names it asks for.

Nothing here is how a server of this house is written (see `servers/`): answers are wire
documents, so that what the suite sees is what passed through the gateway and no library's idea
of it.
"""

import asyncio
import secrets
import warnings
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mcp_types as types
from conformance import asking
from conformance.asking import text
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.shared.exceptions import MCPError

from mcp_shared.contract import definition_hash

NAME = "test"  # the scheme of its resources, too
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M/wHwAEBgIApD5fRAAAAABJRU5ErkJggg=="
SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
PAUSE = 0.05

Tool = Callable[[Any, types.CallToolRequestParams], Awaitable[dict[str, Any]]]
Trigger = Callable[[], None]


@dataclass(frozen=True)
class Offered:
    """A tool's schema, and what it does."""

    run: Tool
    schema: Mapping[str, Any]


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _says(*content: Mapping[str, Any], failed: bool = False) -> Tool:
    async def run(_ctx: Any, _params: types.CallToolRequestParams) -> dict[str, Any]:
        return {"content": list(content), **({"isError": True} if failed else {})}

    return run


IMAGE = {"type": "image", "data": PIXEL, "mimeType": "image/png"}
AUDIO = {"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}


def _embedded(uri: str, kind: str, words: str) -> dict[str, Any]:
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": words}}


async def _with_progress(ctx: Any, _params: types.CallToolRequestParams) -> dict[str, Any]:
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100)
        await asyncio.sleep(PAUSE)
    return {"content": [text("Done in three steps.")]}


async def _with_logging(ctx: Any, _params: types.CallToolRequestParams) -> dict[str, Any]:
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        with warnings.catch_warnings():  # deprecated by the protocol, and tested by the suite
            warnings.simplefilter("ignore")
            sending = ctx.session.send_log_message("info", words)
        await sending
        await asyncio.sleep(PAUSE)
    return {"content": [text("Logged three times.")]}


async def _needs_sampling(_ctx: Any, _params: types.CallToolRequestParams) -> dict[str, Any]:
    raise MCPError(
        types.MISSING_REQUIRED_CLIENT_CAPABILITY,
        "This tool needs sampling.",
        data={"requiredCapabilities": {"sampling": {}}},
    )


async def _echoes_region(_ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
    return {"content": [text(f"region {(params.arguments or {}).get('region')}")]}


def _pulls(trigger: Trigger) -> Tool:
    async def run(_ctx: Any, _params: types.CallToolRequestParams) -> dict[str, Any]:
        trigger()
        return {"content": [text("Changed.")]}

    return run


REGION = _object(
    region={"type": "string", "maxLength": 64, "x-mcp-header": "Region"},
    shard={"type": "integer", "minimum": 0, "maximum": 9, "x-mcp-header": "Shard"},
)
JSON_SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def tools(change_tools: Trigger, change_prompts: Trigger) -> dict[str, Offered]:
    plain: dict[str, Tool] = {
        "test_simple_text": _says(text("This is a simple text response for testing.")),
        "test_image_content": _says(IMAGE),
        "test_audio_content": _says(AUDIO),
        "test_embedded_resource": _says(
            _embedded("test://embedded-resource", "text/plain", "An embedded resource.")
        ),
        "test_multiple_content_types": _says(
            text("Multiple content types test:"),
            IMAGE,
            _embedded("test://mixed-content-resource", "application/json", '{"test":"data"}'),
        ),
        "test_error_handling": _says(
            text("This tool intentionally returns an error for testing"), failed=True
        ),
        "test_tool_with_progress": _with_progress,
        "test_tool_with_logging": _with_logging,
        "test_logging_tool": _with_logging,
        "test_missing_capability": _needs_sampling,
        "test_trigger_tool_change": _pulls(change_tools),
        "test_trigger_prompt_change": _pulls(change_prompts),
        **asking.TOOLS,
    }
    return {
        **{name: Offered(run, _object()) for name, run in plain.items()},
        "test_x_mcp_header": Offered(_echoes_region, REGION),
        "json_schema_2020_12_tool": Offered(_says(text("Accepted.")), JSON_SCHEMA_2020_12),
        "test_sampling": Offered(asking.sampling, _object(prompt={"type": "string"})),
        "test_elicitation": Offered(asking.elicitation, _object(message={"type": "string"})),
        "test_elicitation_sep1034_defaults": Offered(asking.elicitation, _object()),
        "test_elicitation_sep1330_enums": Offered(asking.elicitation, _object()),
        # listed only now and then: the tool whose coming and going the suite watches
        "test_now_and_then": Offered(_says(text("Here.")), _object()),
    }


def _message(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": content}


PROMPTS: dict[str, tuple[str, ...]] = {
    "test_simple_prompt": (),
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
    "test_prompt_with_image": (),
    "test_input_required_result_prompt": (),
    "test_prompt_now_and_then": (),
}


async def _prompt(ctx: Any, params: types.GetPromptRequestParams) -> dict[str, Any]:
    given = params.arguments or {}
    if params.name == "test_prompt_with_arguments":
        words = f"Prompt with arguments: arg1='{given['arg1']}', arg2='{given['arg2']}'"
        return {"messages": [_message(text(words))]}
    if params.name == "test_prompt_with_embedded_resource":
        embedded = _embedded(given["resourceUri"], "text/plain", "Embedded resource content.")
        return {"messages": [_message(embedded), _message(text("Please process it."))]}
    if params.name == "test_prompt_with_image":
        return {"messages": [_message(IMAGE), _message(text("Please look at it."))]}
    if params.name == "test_input_required_result_prompt":
        return await asking.prompt(ctx, params)
    return {"messages": [_message(text("This is a simple prompt for testing."))]}


RESOURCES = {
    "test://static-text": ("text/plain", {"text": "The content of the static text resource."}),
    "test://static-binary": ("image/png", {"blob": PIXEL}),
    "test://watched-resource": ("text/plain", {"text": "Watched."}),
}
TEMPLATE = ("test://template/", "/data")


def _read(uri: str) -> dict[str, Any]:
    if uri in RESOURCES:
        kind, content = RESOURCES[uri]
        return {"uri": uri, "mimeType": kind, **content}
    before, after = TEMPLATE
    if uri.startswith(before) and uri.endswith(after):
        asked = uri.removeprefix(before).removesuffix(after)
        return {"uri": uri, "mimeType": "application/json", "text": f'{{"id":"{asked}"}}'}
    raise MCPError(types.INVALID_PARAMS, "Resource not found", data={"uri": uri})


COMPLETE = {"resultType": "complete"}
CACHED = {**COMPLETE, "ttlMs": 0, "cacheScope": "public"}


def server(offered: Mapping[str, Offered]) -> Server[Any]:
    async def list_tools(_ctx: Any, _params: Any) -> dict[str, Any]:
        return {"tools": [_tool(name, one) for name, one in offered.items()], **CACHED}

    async def call_tool(ctx: Any, params: types.CallToolRequestParams) -> dict[str, Any]:
        return {**COMPLETE, **await offered[params.name].run(ctx, params)}

    async def get_prompt(ctx: Any, params: types.GetPromptRequestParams) -> dict[str, Any]:
        return {**COMPLETE, **await _prompt(ctx, params)}

    async def list_prompts(_ctx: Any, _params: Any) -> dict[str, Any]:
        return {"prompts": [_listed(name) for name in PROMPTS], **CACHED}

    async def list_resources(_ctx: Any, _params: Any) -> dict[str, Any]:
        listed = [{"uri": uri, "name": uri, "mimeType": RESOURCES[uri][0]} for uri in RESOURCES]
        return {"resources": listed, **CACHED}

    async def list_templates(_ctx: Any, _params: Any) -> dict[str, Any]:
        uri = "{id}".join(TEMPLATE)
        return {"resourceTemplates": [{"uriTemplate": uri, "name": "template"}], **CACHED}

    async def read(_ctx: Any, params: types.ReadResourceRequestParams) -> dict[str, Any]:
        return {"contents": [_read(str(params.uri))], **CACHED}

    async def complete(_ctx: Any, params: types.CompleteRequestParams) -> dict[str, Any]:
        values = [one for one in ("paris", "park", "test") if one.startswith(params.argument.value)]
        return {**COMPLETE, "completion": {"values": values, "total": len(values)}}

    untyped: Any = Server  # handlers may answer with wire documents, which its types do not say
    made: Server[Any] = untyped(
        NAME,
        version="1",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read,
        on_completion=complete,
    )
    security = RequestStateSecurity(keys=[secrets.token_bytes(32)])
    made.middleware.append(RequestStateBoundary(security, default_audience=NAME))
    return made


def lock(offered: Mapping[str, Offered]) -> dict[str, Any]:
    """Its lock file, as `--definitions` would print it."""
    tools_ = [_tool(name, one) for name, one in offered.items()]
    prompts = [_listed(name) for name in PROMPTS]
    return {
        "server": NAME, "title": "Everything", "version": "1", "instructions": "For the suite.",
        "resources": True, "completions": True,
        "tools": [{**one, "hash": definition_hash(one)} for one in tools_],
        "prompts": [{**one, "hash": definition_hash(one)} for one in prompts],
    }  # fmt: skip


def _tool(name: str, offered: Offered) -> dict[str, Any]:
    words = name.replace("_", " ").capitalize() + "."
    return {"name": name, "description": words, "inputSchema": dict(offered.schema)}


def _listed(prompt: str) -> dict[str, Any]:
    listed: dict[str, Any] = {"name": prompt, "description": f"The prompt {prompt}."}
    if PROMPTS[prompt]:
        listed["arguments"] = [{"name": one, "required": True} for one in PROMPTS[prompt]]
    return listed
