"""Reading the ledger is on the ledger: who, which range, before the first row is read.

It takes the writer's URL and the signing key, as every record does. Who has only `audit_reader` can
read and cannot record: such a reading is refused unless it is asked for by name, and its one trace
is then the database server's log. The console records with the gateway's own writer.
"""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp_gateway.audit import keys
from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.waiting import Entry, LedgerDown
from mcp_gateway.switches.cli import operator

REPLICA = "auditor"
READER = "GATEWAY_LEDGER_READER_URL"


class NotRecordedError(RuntimeError):
    """The reading cannot be recorded, so it does not happen; the message says what to do."""


class Reads:
    """Where this reading is recorded; nowhere, if it was asked to be so."""

    def __init__(self, ledger: Ledger | None) -> None:
        self._ledger = ledger
        self.by = operator()

    async def record(self, event: str, detail: Mapping[str, Any]) -> Entry | None:
        """Raises NotRecordedError when the ledger does not take it."""
        if self._ledger is None:
            return None
        said = {k: v for k, v in detail.items() if v is not None}
        body = {"reason": event, "person": self.by, "detail": {"by": self.by, **said}}
        try:
            return await self._ledger.append("event", body)
        except LedgerDown as error:
            raise NotRecordedError(f"not read: it cannot be recorded: {error}") from error


@asynccontextmanager
async def reads(*, off_record: bool, optional: bool = False) -> AsyncIterator[Reads]:
    """`optional`: without the writer's settings it is said and goes on, as for a feed that runs
    on another machine.

    Raises:
        NotRecordedError: it could not be recorded.

    """
    url, folder = os.environ.get("GATEWAY_LEDGER_URL"), os.environ.get("GATEWAY_KEYS")
    key = Path(folder or ".") / keys.PRIVATE_NAME
    able = bool(url) and key.exists()
    if off_record or (optional and not able):
        sys.stderr.write("audit: this reading is not on the record, only in the server's log\n")
        yield Reads(None)
        return
    if not able or url is None:
        raise NotRecordedError(
            "this reading cannot be recorded: GATEWAY_LEDGER_URL and the signing key are not here. "
            "Read where the gateway's settings are, in the console, or say --off-record."
        )
    try:
        ledger = await Ledger.open(url, key, REPLICA)
    except LedgerDown as error:
        raise NotRecordedError(f"not read: it cannot be recorded: {error}") from error
    try:
        yield Reads(ledger)
    finally:
        await ledger.aclose()
