"""The port `Directory` spoken to the HubSpot CRM API.

Search is used to find and never to confirm: its index lags behind the records. Records are read by
id, in batches.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mcp_crm import records
from mcp_crm.api import Api, Rejected
from mcp_crm.directory import DealPage, DealQuery, DealState, NewNote, OutcomeUnknown
from mcp_crm.models import Account, AccountOverview, Contact
from mcp_crm.reading import Reading, no_account, total_of, unfit
from mcp_crm.records import Record
from mcp_crm.reference import Reference
from mcp_crm.stages import Stage
from mcp_crm.text import markup
from mcp_shared.faults import Invalid, NotFound
from mcp_shared.identity import Caller

NAMESAKES = 20  # accounts looked at when one is asked for by name
SHOWN_CONTACTS, SHOWN_DEALS, SHOWN_NOTES = 10, 10, 5
BATCH = 100
MAX_OFFSET = 10_000  # the search's own end
NOTE_TO_COMPANY, NOTE_TO_DEAL = 190, 214  # the vendor's association types


@dataclass(frozen=True, slots=True)
class HubSpot:
    api: Api
    reference: Reference
    # visibility by person or region belongs here: every record passes through this class
    who: Caller

    async def find_contacts(self, text: str, limit: int) -> tuple[list[Contact], bool]:
        document = await self._reading.search(
            "contacts", {"query": text, "limit": limit, "properties": list(records.CONTACT)}
        )
        found = records.records(document)
        companies = await self._reading.companies_of("contacts", [one.id for one in found])
        people = [records.contact(one, companies.get(one.id)) for one in found]
        return people, total_of(document) > len(found)

    async def account(self, reference: str) -> Account:
        return records.account(await self._company(reference))

    async def overview(self, reference: str) -> AccountOverview:
        found = await self._company(reference)
        company = await self._reading.one("companies", found.id, linked="contacts,deals,notes")
        ids = {kind: sorted(linked, key=int) for kind, linked in company.linked.items()}
        people, deals, notes, owners, known = await asyncio.gather(
            self._reading.batch(
                "contacts", ids.get("contacts", [])[:SHOWN_CONTACTS], records.CONTACT
            ),
            self._reading.batch("deals", ids.get("deals", [])[-BATCH:], records.DEAL),
            # ids grow with time, so the last ones are the newest
            self._reading.batch("notes", ids.get("notes", [])[-BATCH:], records.NOTE),
            self.reference.owners(self.api),
            self.reference.stages(self.api),
        )
        open_deals = [
            made
            for one in deals
            if (made := records.deal(one, known, owners, company)).status == "open"
        ]
        open_deals.sort(key=lambda one: (one.close_date or "9999", one.id))
        told = sorted((records.note(one, owners) for one in notes), key=_newest, reverse=True)
        return AccountOverview(
            account=records.account(company),
            owner=owners.get(company.text("hubspot_owner_id") or ""),
            contacts=[records.contact(one, company) for one in people],
            open_deals=open_deals[:SHOWN_DEALS],
            last_notes=told[:SHOWN_NOTES],
            truncated=len(ids.get("contacts", [])) > SHOWN_CONTACTS
            or len(open_deals) > SHOWN_DEALS
            or len(ids.get("deals", [])) > BATCH
            or len(ids.get("notes", [])) > SHOWN_NOTES,
        )

    async def stages(self) -> Sequence[Stage]:
        return await self.reference.stages(self.api)

    async def deals(self, query: DealQuery, limit: int, offset: int) -> DealPage:
        if offset + limit > MAX_OFFSET:
            raise Invalid(
                "The CRM lists no more than 10,000 deals.", instead="Narrow the question."
            )
        document = await self._reading.search(
            "deals",
            {
                "filterGroups": [{"filters": await self._filters(query)}],
                "sorts": [{"propertyName": "closedate", "direction": "ASCENDING"}],
                "properties": list(records.DEAL),
                "limit": limit,
                "after": str(offset),
            },
        )
        found = records.records(document)
        owners, known, companies = await asyncio.gather(
            self.reference.owners(self.api),
            self.reference.stages(self.api),
            self._reading.companies_of("deals", [one.id for one in found]),
        )
        after = offset + len(found)
        total = total_of(document)
        return DealPage(
            [records.deal(one, known, owners, companies.get(one.id)) for one in found],
            total,
            after if found and after < min(total, MAX_OFFSET) else None,
        )

    async def deal(self, deal_id: str) -> DealState:
        found = await self._reading.one("deals", deal_id, linked="companies")
        return DealState(
            found.id,
            found.text("dealname") or "(no name)",
            found.text("pipeline") or "",
            found.text("dealstage") or "",
            frozenset(found.linked.get("companies", ())),
        )

    async def note_of(self, marker: str) -> str | None:
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

    async def add_note(self, note: NewNote) -> str:
        author = await self.reference.own_id(self.api, self.who)
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

    async def _company(self, reference: str) -> Record:
        reference = reference.strip()
        if reference.isascii() and reference.isdigit():
            for id_property in ("account_number", None):
                try:
                    return await self._reading.one("companies", reference, id_property=id_property)
                except NotFound:
                    continue
            raise no_account()
        properties = list(records.COMPANY)
        if "." in reference and " " not in reference:
            one = {"propertyName": "domain", "operator": "EQ", "value": reference.lower()}
            wanted: dict[str, Any] = {"filterGroups": [{"filters": [one]}]}
        else:
            wanted = {"query": reference}
        document = await self._reading.search(
            "companies", {**wanted, "limit": NAMESAKES, "properties": properties}
        )
        found = records.records(document)
        if not found:
            raise no_account()
        exact = [
            one for one in found if (one.text("name") or "").casefold() == reference.casefold()
        ]
        if len(exact) == 1 or len(found) == 1:
            return (exact or found)[0]
        names = "; ".join(f"{one.text('name')} ({one.text('account_number')})" for one in found[:5])
        raise Invalid(
            f"{total_of(document)} accounts match.",
            instead=f"Give the account number of the one you mean, for example of: {names}.",
        )

    async def _filters(self, query: DealQuery) -> list[dict[str, Any]]:
        filters: list[dict[str, Any]] = []

        def add(name: str, operator: str, **value: Any) -> None:
            filters.append({"propertyName": name, "operator": operator, **value})

        if query.status != "any":
            add("hs_is_closed", "EQ", value=str(query.status != "open").lower())
        if query.status in {"won", "lost"}:
            add("hs_is_closed_won", "EQ", value=str(query.status == "won").lower())
        if query.stages:
            add("dealstage", "IN", values=[one.id for one in query.stages])
        if query.owner:
            owner_id = await self.reference.owner_id(self.api, query.owner, self.who)
            add("hubspot_owner_id", "EQ", value=owner_id)
        if query.account:
            company = await self._company(query.account)
            add("associations.company", "EQ", value=company.id)
        if query.closing_from or query.closing_to:
            low = query.closing_from or "1970-01-01"
            high = query.closing_to or "2999-12-31"
            add("closedate", "BETWEEN", value=f"{low}T00:00:00Z", highValue=f"{high}T23:59:59Z")
        return filters

    @property
    def _reading(self) -> Reading:
        return Reading(self.api)


def _newest(note: Any) -> tuple[str, int]:
    return (note.at or "", int(note.id))
