"""How a server gets its tasks: from `TASKS = Terms(...)` in its tools' modules."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from types import ModuleType
from typing import Any

from mcp.server.extension import Extension
from mcp.server.mcpserver import MCPServer

from mcp_shared.tasks.terms import Terms
from mcp_shared.tasks.wire import IDENTIFIER

Lifespan = Callable[[MCPServer[Any]], AbstractAsyncContextManager[Any]]


def of(
    tools: Sequence[ModuleType], inner: Lifespan | None
) -> tuple[list[Extension], Lifespan | None]:
    """The extension, where one of these tools may become a task, and the lifespan around `inner`.

    Tasks are worked on with what `inner` opens, and stop before that closes.
    """
    named = {module.__name__.rpartition(".")[2]: module for module in tools}
    terms: dict[str, Terms] = {
        name: module.TASKS for name, module in named.items() if hasattr(module, "TASKS")
    }
    if not terms:
        return [], inner
    from mcp_shared.tasks.extension import Tasks  # a server without tasks needs no database driver

    # a tool that its hints call idempotent may be tried again
    tasks = Tasks(terms, frozenset(one for one in terms if named[one].HINTS.idempotent_hint))

    @asynccontextmanager
    async def lifespan(server: MCPServer[Any]) -> AsyncIterator[Any]:
        opened: AbstractAsyncContextManager[Any] = inner(server) if inner else nullcontext({})
        async with opened as resources, tasks.working(server, resources):
            yield resources

    return [tasks], lifespan


def serves(server: MCPServer[Any]) -> bool:
    return IDENTIFIER in server._lowlevel_server.extensions  # noqa: SLF001  no public way to ask
