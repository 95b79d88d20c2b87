"""Writing to the API: a note with what it is about, and the stage of a deal. Once, or not known."""

from dataclasses import dataclass
from datetime import UTC, datetime

from mcp_crm.directory import NewNote, OutcomeUnknown
from mcp_crm.hubspot import records
from mcp_crm.hubspot.api import Api, Rejected
from mcp_crm.hubspot.reading import unfit
from mcp_crm.hubspot.text import markup
from mcp_crm.stages import Stage

NOTE_TO_COMPANY, NOTE_TO_DEAL = 190, 214  # the vendor's association types


@dataclass(frozen=True, slots=True)
class Writing:
    api: Api

    async def note_of(self, marker: str) -> str | None:
        """By its unique property: a read of the record, which search would only promise."""
        try:
            document = await self.api.read(
                "GET", self.api.path("objects", "notes", marker),
                params={"idProperty": "mcp_request_id"},
            )  # fmt: skip
        except Rejected as refused:
            if refused.status == 404:
                return None
            raise unfit() from refused
        found = records.record(document)
        return found.id if found else None

    async def add_note(self, note: NewNote, author: str | None) -> str:
        targets = [(note.account.id, NOTE_TO_COMPANY)]
        if note.deal_id:
            targets.append((note.deal_id, NOTE_TO_DEAL))
        document = {
            "properties": {
                "hs_note_body": markup(note.text),
                "hs_timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "mcp_request_id": note.marker,
                **({"hubspot_owner_id": author} if author else {}),
            },
            "associations": [
                {
                    "to": {"id": target},
                    "types": [
                        {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind}
                    ],
                }
                for target, kind in targets
            ],
        }
        try:
            answer = await self.api.write("POST", self.api.path("objects", "notes"), document)
        except Rejected as refused:
            if refused.taken:  # an earlier attempt arrived after all
                raise OutcomeUnknown from refused
            raise unfit() from refused
        made = records.record(answer)
        if made is None:
            raise OutcomeUnknown
        return made.id

    async def set_stage(self, deal_id: str, stage: Stage) -> None:
        path = self.api.path("objects", "deals", deal_id)
        try:
            await self.api.write("PATCH", path, {"properties": {"dealstage": stage.id}})
        except Rejected as refused:
            raise unfit() from refused
