"""Pages as MCP resources, `docs://{collection}/{page}`: listed and read as the person who asks."""

import base64
import binascii
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, ListResourcesResult, Resource

from mcp_docs.knowledge import Library, callers_groups
from mcp_docs.models import url
from mcp_shared.faults import Unavailable

LISTED = 50
TEMPLATE = "docs://{collection}/{doc_id}"
_NO_PAGE = "There is no such page, or none you may read."


def add_to(server: MCPServer[Any]) -> None:
    """The template for reads, and the list.

    The SDK lists what was registered at start-up, the same for everybody; a middleware answers
    instead.
    """

    @server.resource(
        TEMPLATE,
        name="page",
        title="Knowledge base page",
        description="One page of the knowledge base as Markdown, if you may read it.",
        mime_type="text/markdown",
    )
    async def page(collection: str, doc_id: str, ctx: Context[Any, Any]) -> str:
        library: Library = ctx.request_context.lifespan_context
        try:
            found = await library.page(callers_groups(), f"{collection}/{doc_id}")
        except Unavailable as fault:
            raise MCPError(INTERNAL_ERROR, str(fault)) from fault
        if found is None:
            raise MCPError(INVALID_PARAMS, _NO_PAGE)
        return found.body

    server.middleware.append(_answer_for_the_reader)


async def _answer_for_the_reader(
    ctx: ServerRequestContext[Any, Any], call_next: CallNext
) -> HandlerResult:
    if ctx.method == "resources/list":
        return await _listed(ctx.lifespan_context, (ctx.params or {}).get("cursor"))
    if ctx.method == "resources/read":
        try:
            return await call_next(ctx)
        except MCPError as error:
            if error.error.code == INVALID_PARAMS:
                # one answer for hidden, missing and malformed addresses, without the address in it
                raise MCPError(INVALID_PARAMS, _NO_PAGE) from error
            raise
    return await call_next(ctx)


async def _listed(library: Library, cursor: object) -> ListResourcesResult:
    try:
        entries = await library.entries(callers_groups(), _after(cursor), LISTED + 1)
    except Unavailable as fault:
        raise MCPError(INTERNAL_ERROR, str(fault)) from fault
    shown = entries[:LISTED]
    return ListResourcesResult(
        resources=[
            Resource(
                uri=url(entry.doc_id),
                name=entry.doc_id,
                title=entry.title,
                description=f"Updated {entry.updated.isoformat()}.",
                mime_type="text/markdown",
                size=entry.size,
            )
            for entry in shown
        ],
        next_cursor=_cursor(shown[-1].doc_id) if len(entries) > LISTED else None,
    )


def _cursor(doc_id: str) -> str:
    return base64.urlsafe_b64encode(doc_id.encode()).decode()


def _after(cursor: object) -> str:
    """The page a cursor stands for: a place in the order, never a right to read."""
    if cursor is None:
        return ""
    try:
        after = base64.b64decode(str(cursor)[:400], altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError) as error:
        raise MCPError(INVALID_PARAMS, "The cursor is not one of ours.") from error
    if "\0" in after:
        raise MCPError(INVALID_PARAMS, "The cursor is not one of ours.")
    return after
