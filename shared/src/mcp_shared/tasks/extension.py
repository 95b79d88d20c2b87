"""Tools that may become tasks: what `tools/call` answers for them, and tasks/get, update, cancel.

A call begins as any other. What is done within its tool's patience is answered at once, without a
row anywhere; what takes longer, or has a question, becomes a task, for a client that said it knows
tasks. Everybody else is served as before. Ids are of 256 bits, bound to the person, and no proof of
anything: another's id and one that never was read the same.
"""

import asyncio
import contextlib
import dataclasses
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import MCPServer, require_client_extension
from mcp_types import CallToolRequestParams, ClientCapabilities

from mcp_shared import identity
from mcp_shared.postgres import FAULTS, keeper_pool
from mcp_shared.tasks import refusals, wire
from mcp_shared.tasks.desk import Desk
from mcp_shared.tasks.run import Run, begin, running
from mcp_shared.tasks.settings import TaskSettings
from mcp_shared.tasks.table import Caps, ExpiredError, Table, Taken, TooManyError
from mcp_shared.tasks.terms import Terms
from mcp_shared.tasks.whose import Quiet, owner, remembered, written

log = logging.getLogger(__name__)

Work = asyncio.Task[HandlerResult]


class Tasks(Extension):
    identifier = wire.IDENTIFIER

    def __init__(self, terms: Mapping[str, Terms], repeatable: frozenset[str]) -> None:
        self._terms = terms
        # tools whose repetition changes nothing
        self._attempts = {
            name: one.attempts if name in repeatable else 1 for name, one in terms.items()
        }
        self._table: Table | None = None
        self._desk: Desk | None = None

    def methods(self) -> Sequence[MethodBinding]:
        served = frozenset({wire.MODERN})
        return (
            MethodBinding(wire.GET, wire.TaskParams, self._get, served),
            MethodBinding(wire.UPDATE, wire.UpdateParams, self._update, served),
            MethodBinding(wire.CANCEL, wire.TaskParams, self._cancel, served),
        )

    @contextlib.asynccontextmanager
    async def working(self, server: MCPServer[Any], resources: Any) -> AsyncIterator[None]:
        """While the server runs; `resources` is what its lifespan yields to tools."""
        settings = TaskSettings.of(server.name)
        if settings.database_url is None:
            log.info("no tasks: there is no database for them")
            yield
            return
        pool = keeper_pool(settings.database_url, "mcp_tasks", settings.connections)
        self._slots = asyncio.Semaphore(settings.slots)
        self._caps = Caps(settings.unfinished, settings.kept)
        self._table = Table(pool, secrets.token_hex(8))
        self._desk = desk = Desk(self._table, self._attempts)
        handler = server._lowlevel_server.get_request_handler("tools/call")  # noqa: SLF001  no public way to ask
        assert handler is not None  # noqa: S101  a server with tools has one

        def again(taken: Taken) -> tuple[Run, Work]:
            run = self._run(taken.id, taken.tool, taken.call["can"])
            run.attempt = taken.attempt
            run.answers.update(taken.answers)
            params = CallToolRequestParams.model_validate(taken.call["params"])
            session: Any = Quiet(run)
            ctx = ServerRequestContext[Any, Any](
                session=session, lifespan_context=resources, method="tools/call",
                protocol_version=wire.MODERN, params=taken.call["params"], request_id=taken.id,
            )  # fmt: skip
            who = remembered(taken.call["caller"])
            return run, self._begun(run, who, lambda: handler.handler(ctx, params))

        async with pool:
            try:
                async with desk.working(again):
                    yield
            finally:
                self._table = self._desk = None

    async def intercept_tool_call(
        self,
        params: CallToolRequestParams,
        ctx: ServerRequestContext[Any, Any],
        call_next: CallNext,
    ) -> HandlerResult:
        terms = self._terms.get(params.name)
        if terms is None or running() is not None:  # the latter: work of ours
            return await call_next(ctx)
        if not _knows_tasks(ctx):
            if terms.required:
                require_client_extension(ctx, wire.IDENTIFIER)
            return await call_next(ctx)
        if self._desk is None:
            return await call_next(ctx)
        who = identity.caller()
        declared = ctx.session.client_capabilities or ClientCapabilities()
        run = self._run(secrets.token_urlsafe(32), params.name, wire.dumped(declared))
        session: Any = Quiet(run)
        quiet = dataclasses.replace(ctx, session=session, request=None)
        work = self._begun(run, who, lambda: call_next(quiet))
        asking = asyncio.create_task(run.handoff.wait())
        try:
            await asyncio.wait(
                {work, asking}, timeout=terms.patience, return_when=asyncio.FIRST_COMPLETED
            )
            return work.result() if work.done() else await self._becomes(run, who, params, work)
        except BaseException:  # whoever has gone waits for nothing
            work.cancel()
            raise
        finally:
            asking.cancel()
            if work.cancelling():
                await asyncio.wait({work})

    async def _becomes(
        self, run: Run, who: identity.Caller, params: CallToolRequestParams, work: Work
    ) -> HandlerResult:
        """The call is a task once it is durable as one; else the work on it stops."""
        table, desk = self._open()
        call = {"can": run.can, "params": wire.dumped(params), "caller": written(who)}
        creating = asyncio.create_task(
            table.create(
                run.key, owner(who), params.name, call, run.terms.ttl, run.terms.poll, self._caps
            )
        )
        try:
            task = await asyncio.shield(creating)
        except TooManyError:
            work.cancel()
            return refusals.too_many()
        except FAULTS as error:
            work.cancel()
            log.warning("task not created", extra={"error": type(error).__name__})
            return refusals.not_kept()
        except asyncio.CancelledError:  # nobody will know its id
            await asyncio.wait({creating})
            with contextlib.suppress(*FAULTS, TooManyError):
                await table.cancel(creating.result().id, owner(who))
            raise
        desk.keep(run, work)
        return wire.created(task)

    def _run(self, key: str, tool: str, can: Mapping[str, Any]) -> Run:
        return Run(
            key=key, terms=self._terms[tool], can=can, slots=self._slots, asked=self._asked,
            attempts=self._attempts[tool],
        )  # fmt: skip

    def _begun(
        self, run: Run, who: identity.Caller, call: Callable[[], Awaitable[HandlerResult]]
    ) -> Work:
        """The tool's own work, in a context of its own."""

        async def work() -> HandlerResult:
            begin(run)
            identity.become(who)
            try:
                async with run.slots, asyncio.timeout(run.terms.longest):
                    return await call()
            except TimeoutError:
                return refusals.too_long(run.terms.longest)

        return asyncio.create_task(work())

    async def _asked(self, run: Run, requests: Mapping[str, Any]) -> None:
        table, _ = self._open()
        await refusals.available(table.ask(run.key, requests))

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: Any) -> HandlerResult:
        return wire.detailed(await self._found(ctx, params.task_id))

    async def _update(self, ctx: ServerRequestContext[Any, Any], params: Any) -> HandlerResult:
        task = await self._found(ctx, params.task_id)
        table, desk = self._open()
        whose = owner(identity.caller())
        desk.hear(
            task.id, await refusals.available(table.answer(task.id, whose, params.input_responses))
        )
        return {}

    async def _cancel(self, ctx: ServerRequestContext[Any, Any], params: Any) -> HandlerResult:
        task = await self._found(ctx, params.task_id)
        table, desk = self._open()
        await refusals.available(table.cancel(task.id, owner(identity.caller())))
        desk.cancel(task.id)
        return {}

    async def _found(self, ctx: ServerRequestContext[Any, Any], task_id: str) -> wire.Task:
        require_client_extension(ctx, wire.IDENTIFIER)
        table, _ = self._open()
        try:
            found = await refusals.available(table.read(task_id, owner(identity.caller())))
        except ExpiredError:
            raise refusals.expired() from None
        if found is None:
            raise refusals.unknown()
        return found

    def _open(self) -> tuple[Table, Desk]:
        if self._table is None or self._desk is None:
            raise refusals.unknown()
        return self._table, self._desk


def _knows_tasks(ctx: ServerRequestContext[Any, Any]) -> bool:
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities else None
    return ctx.protocol_version == wire.MODERN and wire.IDENTIFIER in (declared or {})
