"""An `MCPServer` made from tool modules, and its two ways to run: HTTP behind the gateway, stdio
alone.

Only JSON-RPC reaches stdout on stdio; everything else, native libraries included, ends on stderr.
"""

import argparse
import asyncio
import importlib
import inspect
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Any

import uvicorn
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from mcp_shared import identity, logs, renames, telemetry
from mcp_shared.answering import answering
from mcp_shared.contract import definition_hash, unbounded
from mcp_shared.door import Door, Durations
from mcp_shared.masking import Mask
from mcp_shared.own_policy import OwnPolicy, beside
from mcp_shared.settings import ServerSettings, StartError, read
from mcp_shared.tasks import serving
from mcp_shared.tasks.settings import TaskSettings
from mcp_shared.tokens import KeySource, fetch_json
from mcp_shared.validation import Arguments

SHUTDOWN_SECONDS = 10

Lifespan = Callable[[MCPServer[Any]], AbstractAsyncContextManager[Any]]


class ContractError(Exception):
    """A tool module that must not be served: which, and why."""


def new_server(
    name: str,
    *,
    title: str,
    version: str,
    instructions: str,
    tools: Sequence[ModuleType],
    lifespan: Lifespan | None = None,
) -> MCPServer[Any]:
    """A server whose tools refuse what their schema does not allow, and answer what a role may see.

    Raises:
        ContractError: a tool module lacks a part or leaves an argument unbounded.
        MaskError: the server's policy.yaml masks a field that its tool's answer does not have.

    """

    def hidden(tool: str) -> Sequence[Mask]:
        who = identity.known_caller()
        return policy.hidden(tool, who.roles if who else frozenset())

    made = [renames.declared(_tool(module, hidden), module) for module in tools]
    outputs = {tool.name: tool.fn_metadata.output_schema for tool in made}
    policy = OwnPolicy(beside(tools[0]) if tools else None, outputs)
    extensions, lifespan = serving.of(tools, lifespan)
    server: MCPServer[Any] = MCPServer(
        name,
        title=title,
        version=version,
        instructions=instructions,
        lifespan=lifespan,
        tools=made,
        extensions=extensions,
        middleware=[
            Durations(frozenset(tool.name for tool in made)),
            Door({tool.name: Arguments(tool.parameters) for tool in made}),
        ],
        cache_hints={"tools/list": CacheHint(ttl_ms=60_000, scope="private")},
        subscriptions=False,
    )
    return server


def _tool(module: ModuleType, hidden: Callable[[str], Sequence[Mask]]) -> Tool:
    name = module.__name__.rpartition(".")[2]
    try:
        function, title, hints = getattr(module, name), module.TITLE, module.HINTS
    except AttributeError as error:
        raise ContractError(f"{module.__name__}: {error}") from error
    description = inspect.cleandoc(function.__doc__ or "")
    tool = Tool.from_function(function, title=title, description=description, annotations=hints)
    schema = _untitled(tool.parameters)
    schema["additionalProperties"] = False
    if loose := list(unbounded(schema)):
        raise ContractError(f"{name}: {'; '.join(loose)}")
    output = tool.fn_metadata.output_schema
    if output is not None:
        tool.fn_metadata.output_schema = _untitled(output)
    return tool.model_copy(
        update={"fn": answering(function, hidden), "is_async": True, "parameters": schema}
    )


def _untitled(schema: Any, *, names: bool = False) -> Any:
    """Drop the titles pydantic derives from names: they cost tokens and say nothing."""
    if isinstance(schema, dict):
        return {
            key: _untitled(value, names=key in {"properties", "$defs"} and not names)
            for key, value in schema.items()
            if names or key != "title" or not isinstance(value, str)
        }
    if isinstance(schema, list):
        return [_untitled(one) for one in schema]
    return schema


async def definitions(server: MCPServer[Any]) -> dict[str, Any]:
    """Everything the gateway pins, in wire form: tools and prompts with their hashes."""
    tools = [
        tool.model_dump(by_alias=True, exclude_none=True) for tool in await server.list_tools()
    ]
    prompts = [
        prompt.model_dump(by_alias=True, exclude_none=True)
        for prompt in await server.list_prompts()
    ]
    resources = bool(await server.list_resources()) or bool(await server.list_resource_templates())
    completes = server._lowlevel_server.get_request_handler("completion/complete")  # noqa: SLF001  no public way to ask
    return {
        "server": server.name,
        "title": server.title,
        "version": server.version,
        "instructions": server.instructions,
        "resources": resources,
        **({"completions": True} if completes else {}),
        **({"tasks": True} if serving.serves(server) else {}),
        "tools": [{**tool, "hash": definition_hash(tool)} for tool in tools],
        "prompts": [{**prompt, "hash": definition_hash(prompt)} for prompt in prompts],
    }


def asgi(server: MCPServer[Any], settings: ServerSettings) -> ASGIApp:
    """The server at /mcp behind its token check, and /healthz."""
    mcp = server.streamable_http_app(
        streamable_http_path="/mcp",
        stateless_http=True,
        max_request_body_size=settings.max_body_bytes,
        # the token check stands in front; Host names vary behind a gateway
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with server.session_manager.run():
            yield

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok", "server": server.name, "version": server.version})

    app = Starlette(routes=[Route("/healthz", healthz), Mount("/", app=mcp)], lifespan=lifespan)
    return identity.TokenCheck(
        app,
        keys=KeySource(fetch_json(settings.jwks_url)),
        issuer=settings.issuer,
        resource=settings.resource,
        callers=settings.callers,
    )


def main(server: str) -> None:
    """`python -m mcp_<name> [--stdio | --definitions]`; `server` is the module with `build`.

    It describes itself anywhere. Before it serves, the module's `Settings` are read, where it has
    some: what is missing is then said in a line, and not by a traceback out of a lifespan.

    From here on descriptor 1 leads to stderr, whoever writes to it: the import of that module, a
    print, a library in C, a child, an exit handler. Only JSON-RPC and definitions reach the wire.
    """
    parser = argparse.ArgumentParser()
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--stdio", action="store_true", help="serve one local client on stdio")
    mode.add_argument("--definitions", action="store_true", help="print tools.lock.json")
    options = parser.parse_args()
    logs.setup("mcp")
    wire = os.dup(1)
    os.dup2(2, 1)
    try:
        module = importlib.import_module(server)
        made: MCPServer[Any] = module.build()
        logs.setup(made.name)
        if options.definitions:
            document = json.dumps(asyncio.run(definitions(made)), indent=2, ensure_ascii=False)
            with os.fdopen(wire, "w", encoding="utf-8") as out:
                out.write(document + "\n")
            return
        telemetry.setup(made.name)
        telemetry.instrument()
        if options.stdio:
            _refuse_in_production()
            _insist_on_settings(made, module)
            asyncio.run(_stdio(made, wire))
        else:
            _insist_on_settings(made, module)
            settings = read(ServerSettings)
            _insist_on_policy(server, settings)
            _http(made, settings)
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def _insist_on_settings(server: MCPServer[Any], module: ModuleType) -> None:
    if hasattr(module, "Settings"):
        read(module.Settings)
    if serving.serves(server):
        TaskSettings.of(server.name)


def _insist_on_policy(server: str, settings: ServerSettings) -> None:
    """Without its policy a server would mask nothing."""
    if beside(sys.modules[server]) is None and settings.profile == "production":
        raise StartError(f"{server}: no policy.yaml in its package, and MCP_POLICY names none")


def _refuse_in_production() -> None:
    if os.environ.get("MCP_PROFILE") == "production":
        raise StartError(
            "MCP_PROFILE: production has no --stdio: whoever starts it names their own groups"
        )


async def _stdio(server: MCPServer[Any], wire: int) -> None:
    identity.become(identity.local_caller())
    sys.stdout.flush()
    os.dup2(wire, 1)
    try:
        await server.run_stdio_async()
    finally:
        os.dup2(2, 1)  # the SDK has just given the wire back; what is buffered is flushed later


def _http(server: MCPServer[Any], settings: ServerSettings) -> None:
    uvicorn.run(
        asgi(server, settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        server_header=False,
    )
