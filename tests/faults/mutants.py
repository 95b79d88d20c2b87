"""Ledgers that are wrong on purpose, each in one way. A harness that passes one of them is worthless."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mcp_gateway.audit import store
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.projection import project
from mcp_gateway.audit.waiting import Entry
from mcp_gateway.record import Recorder


def acknowledge_before_commit() -> None:
    """Callers hear that their record is durable when it has only been queued for the disk."""
    write = Ledger._write

    async def told_first(self: Ledger, connection: Any, sealed: Any, batch: Any) -> None:
        for index, pending in enumerate(batch):
            if pending.waiter is not None and not pending.waiter.done():
                entry = Entry(
                    sealed.block.header.segment,
                    sealed.block.header.first_seq + index,
                    sealed,
                    index,
                )
                pending.waiter.set_result(entry)
        await write(self, connection, sealed, batch)

    Ledger._write = told_first  # type: ignore[method-assign]


def commit_without_sync() -> None:
    """`synchronous_commit = off`, and nobody who checks it."""
    connect = store.connect

    async def hasty(*given: Any, **named: Any) -> Any:
        connection = await connect(*given, **named)
        await connection.execute("SET synchronous_commit = off")
        return connection

    store.connect = hasty


def no_resend() -> None:
    """A commit in doubt is taken for one that happened."""

    async def surely(*_: Any) -> bool:
        return True

    store.landed = surely  # type: ignore[assignment]


def resend_without_looking() -> None:
    """A commit in doubt is taken for one that did not happen."""

    async def surely_not(*_: Any) -> bool:
        return False

    store.landed = surely_not  # type: ignore[assignment]


def no_fence() -> None:
    """An old session may still be at work while the new one looks."""

    async def nothing(*_: Any) -> None:
        pass

    store._fence = nothing  # type: ignore[assignment]


def intent_after_the_call() -> None:
    """The intent is written with the outcome."""
    admit, close = Recorder.admit, Recorder.close

    async def let_in(self: Recorder, grant: Any) -> Any:
        return self.exempt(grant)

    async def both(self: Recorder, receipt: Any, answer: Any) -> Any:
        await admit(self, receipt.grant)
        return await close(self, receipt, answer)

    Recorder.admit = let_in  # type: ignore[method-assign]
    Recorder.close = both  # type: ignore[method-assign]


def raising_encoder() -> None:
    """What JSON cannot say raises, instead of being kept in another form."""

    def strict(self: Ledger, kind: str, body: Mapping[str, Any]) -> Any:
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        record = {"ts": now, **body, "v": 1, "kind": kind, "replica": self._replica}
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS), project(record)

    Ledger._encode = strict  # type: ignore[method-assign]


MUTANTS: Mapping[str, Callable[[], None]] = {
    one.__name__: one
    for one in (
        acknowledge_before_commit, commit_without_sync, no_resend, resend_without_looking,
        no_fence, intent_after_the_call, raising_encoder,
    )
}  # fmt: skip
