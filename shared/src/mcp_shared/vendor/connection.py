"""One conversation with the vendor for each call: connect, compare with the pins, ask, leave.

No session outlives a call, no call is repeated, and nothing the vendor asks for in return is given.
When the vendor is away, late, has changed a tool or sends too much, the call is `unavailable`.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, Implementation, TextContent, Tool
from opentelemetry import metrics
from pydantic import ValidationError

from mcp_shared.faults import Invalid, Unavailable
from mcp_shared.vendor.credentials import CredentialError, credentials
from mcp_shared.vendor.pins import Era, Pins
from mcp_shared.vendor.settings import VendorSettings
from mcp_shared.vendor.text import quoted
from mcp_shared.vendor.wire import CONNECT_SECONDS, Wire, origin

T = TypeVar("T")

MOST_PAGES = 20  # of its list of tools
INFO = Implementation(name="mcp-in-production-vendor-adapter", version="0.1.0")

log = logging.getLogger(__name__)
_refused = metrics.get_meter("mcp_in_production").create_counter(
    "mcp.vendor.refusals",
    unit="{call}",
    description="Calls that a vendor's server did not answer, or whose tool has changed, by reason",
)


@dataclass
class Vendor:
    """Shared by all calls of a server; `name` is what a model reads in errors."""

    name: str
    settings: VendorSettings
    pins: Pins
    pool: httpx2.AsyncBaseTransport
    auth: httpx2.Auth = field(init=False)

    def __post_init__(self) -> None:
        self.auth = credentials(self.settings)

    async def read(
        self, tool: str, arguments: Mapping[str, Any], make: Callable[[Mapping[str, Any]], T]
    ) -> T:
        """What `make` understands of the answer; a form it does not is the vendor's mistake.

        Raises:
            Invalid, Unavailable: as `ask`.

        """
        result = await self.ask(tool, arguments)
        try:
            return make(_document(result))
        except (LookupError, TypeError, ValueError):  # of validation, too
            raise self._unavailable(tool, "form") from None

    async def ask(self, tool: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """The vendor's answer to one pinned tool; read it through models of your own.

        Raises:
            Invalid: the vendor's tool failed; its words are quoted as data, cut and cleaned.
            Unavailable: no answer that may be used; the reason is in the log and the metric.

        """
        if tool not in self.pins.tools:
            raise KeyError(tool)  # a mistake of our own server, and no answer to a model
        wire = self._wire()
        reason, result = "failed", None
        try:
            async with asyncio.timeout(self.settings.deadline_seconds):
                reason, result = await self._converse(tool, arguments, wire)
        except TimeoutError:
            reason = "late"
        # of the SDK, its transport or a group of them; the vendor's own words stay inside
        except (MCPError, httpx2.HTTPError, RuntimeError, ValidationError, ExceptionGroup) as error:
            reason = wire.refused or _code(error)
        if result is None:
            raise self._unavailable(tool, reason)
        if result.is_error:
            _count(tool, "tool_error")
            raise Invalid(
                " ".join(filter(None, (f"{self.name} did not do this.", quoted(_words(result))))),
                instead="Change the arguments if they are the reason; otherwise tell the person.",
            )
        return result

    async def _converse(
        self, tool: str, arguments: Mapping[str, Any], wire: Wire
    ) -> tuple[str, CallToolResult | None]:
        # nothing is raised in here: a task group would wrap it
        async with conversation(self.settings, self.auth, wire, self.pins.era) as client:
            if drift := self.pins.missing_or_changed(tool, await every_tool(client)):
                return drift, None
            # the session's own method: it answers no question the vendor has meanwhile
            return "", await client.session.call_tool(tool, dict(arguments))

    def _wire(self) -> Wire:
        asked = (self.settings.url, self.settings.token_url)
        origins = frozenset(origin(url) for url in asked if url)
        return Wire(self.pool, origins, self.settings.max_bytes)

    def _unavailable(self, tool: str, reason: str) -> Unavailable:
        _count(tool, reason)
        log.warning("vendor refused", extra={"code": reason, "tool": tool})
        if reason.startswith("drift"):
            return Unavailable(
                f"{self.name} has changed this tool since it was reviewed, so it is closed.",
                instead="Nothing you can change helps: tell the operator of this server.",
            )
        return Unavailable(
            f"{self.name} does not answer as it should at the moment.",
            instead="Try again in a minute; if it stays so, tell the operator of this server.",
        )


@asynccontextmanager
async def pool() -> AsyncIterator[httpx2.AsyncBaseTransport]:
    """The connections that all calls share; the environment's proxies and files do not count."""
    async with httpx2.AsyncHTTPTransport(trust_env=False) as transport:
        yield transport


@asynccontextmanager
async def conversation(
    settings: VendorSettings, auth: httpx2.Auth, wire: Wire, era: Era | str
) -> AsyncIterator[Client]:
    seconds = settings.deadline_seconds
    async with httpx2.AsyncClient(
        transport=wire,
        auth=auth,
        timeout=httpx2.Timeout(seconds, connect=CONNECT_SECONDS),
        trust_env=False,
    ) as http:
        streams = streamable_http_client(
            settings.url, http_client=http, max_sse_event_size=settings.max_bytes
        )
        async with Client(
            streams, mode=era, cache=None, client_info=INFO, read_timeout_seconds=seconds
        ) as client:
            yield client


async def every_tool(client: Client) -> list[Tool]:
    """All pages of the list, or those within the bound."""
    found: list[Tool] = []
    cursor = None
    for _ in range(MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        found += page.tools
        if (cursor := page.next_cursor) is None:
            break
    return found


def _document(result: CallToolResult) -> Mapping[str, Any]:
    """Its structure; many vendors send JSON in the first text instead."""
    found = result.structured_content
    if found is None:
        found = json.loads(_words(result))
    if not isinstance(found, Mapping):
        raise TypeError("no object")
    return found


def _words(result: CallToolResult) -> str:
    return " ".join(block.text for block in result.content if isinstance(block, TextContent))


def _code(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, CredentialError) else type(error).__name__


def _count(tool: str, reason: str) -> None:
    _refused.add(1, {"gen_ai.tool.name": tool, "error.type": reason})
