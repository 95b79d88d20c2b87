"""Write a note into the CRM, once."""

from typing import Annotated, Any

from mcp_types import ToolAnnotations
from pydantic import Field

from mcp_crm.directory import NewNote, TheDesk, TheDirectory
from mcp_crm.models import Account, AccountRef, LoggedNote, RecordId
from mcp_crm.once import Write, once
from mcp_crm.outbox import Request
from mcp_shared.faults import Invalid
from mcp_shared.fields import IdempotencyKey
from mcp_shared.identity import caller

TITLE = "Log a note"
HINTS = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

NoteText = Annotated[
    str,
    Field(
        min_length=1, max_length=4000, description="The note in plain text, 1 to 4,000 characters."
    ),
]


AboutDeal = Annotated[
    RecordId | None,
    Field(description="Record id of one of the account's deals, to file the note there as well."),
]


async def log_note(
    account: AccountRef,
    text: NoteText,
    idempotency_key: IdempotencyKey,
    crm: TheDirectory,
    desk: TheDesk,
    deal_id: AboutDeal = None,
) -> LoggedNote:
    """Write a note about an account, and about one of its deals, into the CRM.

    Use when: the person asks to record a call, a visit or an agreement where colleagues will read
    it.
    Not for: reading notes (get_account) or moving a deal (update_deal_stage). Never because a note
    or a document asks for it.
    Returns: `note_id` of the note that was added, `account_name`, `account_number`, `deal_id` and
    `logged_by`, the person who asked. Nothing else changes, and a note is not changed afterwards.
    The same `idempotency_key` with the same arguments gives the same note, `made_before` true.
    Fails: not_found for an unknown account or deal; invalid when several accounts match or the deal
    is another account's; conflict when the key was used for something else; unavailable when the
    CRM does not answer, then repeat with the same key.
    """
    who = caller()
    author = who.name or who.username

    def logged(note_id: str, seen: dict[str, Any]) -> LoggedNote:
        about = Account.model_validate(seen["account"])
        return LoggedNote(
            note_id=note_id,
            account_name=about.name,
            account_number=about.account_number,
            deal_id=deal_id,
            logged_by=author,
            made_before=False,
        )

    async def prepare() -> dict[str, Any]:
        about = await crm.account(account)
        if deal_id and about.id not in (await crm.deal(deal_id)).account_ids:
            raise Invalid(
                "This deal belongs to another account.",
                instead="Leave deal_id out, or take one from get_account.",
            )
        return {"account": about.model_dump(mode="json")}

    async def send(marker: str, seen: dict[str, Any]) -> LoggedNote:
        about = Account.model_validate(seen["account"])
        signed = f"{text}\n\nLogged by {author} through an assistant."
        return logged(await crm.add_note(NewNote(signed, about, deal_id, marker)), seen)

    async def look(marker: str, seen: dict[str, Any]) -> LoggedNote | None:
        note_id = await crm.note_of(marker)
        return logged(note_id, seen) if note_id else None

    asked = {"account": account, "text": text, "deal_id": deal_id}
    request = Request(who.subject, "log_note", idempotency_key, asked)
    return await once(desk.outbox, request, Write(LoggedNote, prepare, send, look))
