"""The port: what the tools need of a CRM, whichever it is.

An adapter is opened for one caller and one call, and answers with the records this person may see:
what others may see is not there for them, in a list, by its id, or as what a write is about.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, cast

from mcp.server.mcpserver import Context, Resolve

from mcp_crm.models import Account, AccountOverview, Contact, Deal, DealStatus
from mcp_crm.outbox import Outbox
from mcp_crm.stages import Stage
from mcp_shared.cursors import Cursors
from mcp_shared.identity import Caller, caller


class OutcomeUnknown(Exception):  # noqa: N818  neither a failure nor a success
    """A write was sent and its answer never came."""


@dataclass(frozen=True, slots=True)
class DealQuery:
    status: DealStatus = "open"
    stages: Sequence[Stage] = ()
    owner: str | None = None  # a name, an e-mail address, or "me"
    account: str | None = None
    closing_from: str | None = None
    closing_to: str | None = None


@dataclass(frozen=True, slots=True)
class DealPage:
    deals: list[Deal]
    total: int
    next_offset: int | None


@dataclass(frozen=True, slots=True)
class DealState:
    """A deal as far as moving it needs."""

    id: str
    name: str
    pipeline_id: str
    stage_id: str
    account_ids: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewNote:
    text: str
    account: Account
    deal_id: str | None
    # the same for every attempt at this note: finds it again when an answer is lost
    marker: str


class Directory(Protocol):
    async def find_contacts(self, text: str, limit: int) -> tuple[list[Contact], bool]: ...
    async def account(self, reference: str) -> Account: ...
    async def overview(self, reference: str) -> AccountOverview: ...
    async def stages(self) -> Sequence[Stage]: ...
    async def deals(self, query: DealQuery, limit: int, offset: int) -> DealPage: ...
    async def deal(self, deal_id: str) -> DealState: ...

    async def note_of(self, marker: str) -> str | None:
        """The id of the note with this marker, read from the record and not from an index."""

    async def add_note(self, note: NewNote) -> str:
        """Write it once and give its id.

        Raises:
            OutcomeUnknown: it may be there; look for its marker.

        """

    async def set_stage(self, deal_id: str, stage: Stage) -> None:
        """Move a deal.

        Raises:
            OutcomeUnknown: it may have moved; read it.

        """


@dataclass(frozen=True, slots=True)
class Desk:
    """What the server's lifespan holds open."""

    directory: Callable[[Caller], Directory]
    outbox: Outbox
    cursors: Cursors


async def open_desk(ctx: Context) -> Desk:
    return cast("Desk", ctx.request_context.lifespan_context)


# async although nothing is awaited: a plain function would be run in a thread for every call
async def open_directory(ctx: Context) -> Directory:
    return (await open_desk(ctx)).directory(caller())


TheDesk = Annotated[Desk, Resolve(open_desk)]
TheDirectory = Annotated[Directory, Resolve(open_directory)]
