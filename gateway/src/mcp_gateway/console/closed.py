"""What operators have closed: the switches of `make block`, as a page shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from mcp_gateway.console.reader import LedgerAwayError, Reader
from mcp_gateway.switches import table
from mcp_gateway.switches.state import Kind

KINDS: dict[Kind, str] = {
    "tool": "tool", "agent": "client", "person": "person", "tokens": "tokens of before",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shut:
    what: str
    name: str
    since: datetime
    until: datetime | None
    by: str
    reason: str

    @property
    def closes(self) -> bool:
        """Revoked tokens close nobody out: their person may sign in anew."""
        return self.what != KINDS["tokens"]

    @property
    def lasting(self) -> str:
        """Where there is no end: a block is opened by hand, old tokens never come back."""
        return "opened by hand" if self.closes else "\N{EN DASH}"


async def shut_in(connection: AsyncConnection) -> tuple[Shut, ...]:
    """Newest first, in the same snapshot as the rest of the page."""
    raw = await connection.get_raw_connection()
    found = [
        Shut(
            what=KINDS[one.kind],
            name=one.name,
            since=datetime.fromtimestamp(one.at, UTC),
            until=None if one.until is None else datetime.fromtimestamp(one.until, UTC),
            by=one.by,
            reason=one.reason,
        )
        for one in await table.closed(raw.driver_connection)  # type: ignore[arg-type]  # asyncpg's
    ]
    return tuple(reversed(found))


async def shut(reader: Reader) -> tuple[Shut, ...] | None:
    """None: the ledger's database does not answer, so it is not known."""
    try:
        async with reader.snapshot() as connection:
            return await shut_in(connection)
    except LedgerAwayError:
        return None
