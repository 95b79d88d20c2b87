"""The port `Directory` spoken to the HubSpot CRM API.

Search is used to find and never to confirm: its index lags behind the records. Records are read by
id, in batches. Whose records they may be is part of every search and looked at again in every
answer; what a person may not see reads like what is not there.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_crm.directory import DealPage, DealQuery, DealState, NewNote
from mcp_crm.hubspot import records
from mcp_crm.hubspot.api import Api
from mcp_crm.hubspot.reading import Reading, no_account, total_of
from mcp_crm.hubspot.records import Record
from mcp_crm.hubspot.reference import Reference
from mcp_crm.hubspot.sight import OWNER, Sight, sight
from mcp_crm.hubspot.text import numbers_among
from mcp_crm.hubspot.writing import Writing
from mcp_crm.models import Account, AccountOverview, Contact
from mcp_crm.stages import Stage
from mcp_shared.faults import Invalid, NotFound
from mcp_shared.identity import Caller

NAMESAKES = 20  # accounts looked at when one is asked for by name
SHOWN_CONTACTS, SHOWN_DEALS, SHOWN_NOTES = 10, 10, 5
NOTES_READ = 100  # of the newest by id, as a note can carry an older date
LOOKED_AT = 500  # of an account's contacts, deals and notes each
MAX_OFFSET = 10_000  # the search's own end


@dataclass(frozen=True, slots=True)
class HubSpot:
    api: Api
    reference: Reference
    who: Caller
    reach: frozenset[str]  # what policy.yaml says of the caller's roles

    async def find_contacts(self, text: str, limit: int) -> tuple[list[Contact], bool]:
        seen = await self._sight()
        if seen.nothing:
            return [], False
        document = await self._reading.search(
            "contacts",
            {
                "query": text,
                "filterGroups": seen.groups(),
                "limit": limit,
                "properties": list(records.CONTACT),
            },
        )
        found = records.records(document)
        kept = [
            one
            for one in found
            # the vendor also looks at phone numbers, which not everyone with this tool may know
            if seen.covers(one) and numbers_among(text, [one.text(n) for n in records.FOUND_BY])
        ]
        companies = await self._reading.companies_of("contacts", [one.id for one in kept], seen)
        people = [records.contact(one, companies.get(one.id)) for one in kept]
        return people, len(kept) == len(found) and total_of(document) > len(found)

    async def account(self, reference: str) -> Account:
        return records.account(await self._company(reference, await self._sight()))

    async def overview(self, reference: str) -> AccountOverview:
        """Contacts and deals by their own owners; notes go with the account they are about."""
        seen = await self._sight()
        found = await self._company(reference, seen)
        company = await self._reading.one(
            "companies", found.id, seen, linked="contacts,deals,notes"
        )
        # ids grow with time, so the last ones are the newest
        ids = {kind: sorted(linked, key=int) for kind, linked in company.linked.items()}
        people, deals, notes, owners, known = await asyncio.gather(
            self._reading.batch("contacts", ids.get("contacts", [])[:LOOKED_AT], records.CONTACT),
            self._reading.batch("deals", ids.get("deals", [])[-LOOKED_AT:], records.DEAL),
            self._reading.batch("notes", ids.get("notes", [])[-NOTES_READ:], records.NOTE),
            self.reference.owners(self.api),
            self.reference.stages(self.api),
        )
        contacts = [records.contact(one, company) for one in people if seen.covers(one)]
        open_deals = [
            made
            for one in deals
            if seen.covers(one)
            and (made := records.deal(one, known, owners, company)).status == "open"
        ]
        open_deals.sort(key=lambda one: (one.close_date or "9999", one.id))
        told = sorted((records.note(one, owners) for one in notes), key=_newest, reverse=True)
        return AccountOverview(
            account=records.account(company),
            owner=owners.get(company.text(OWNER) or ""),
            contacts=contacts[:SHOWN_CONTACTS],
            open_deals=open_deals[:SHOWN_DEALS],
            last_notes=told[:SHOWN_NOTES],
            truncated=len(contacts) > SHOWN_CONTACTS
            or len(open_deals) > SHOWN_DEALS
            or len(ids.get("notes", [])) > SHOWN_NOTES
            or any(len(ids.get(kind, [])) > LOOKED_AT for kind in ("contacts", "deals")),
        )

    async def stages(self) -> Sequence[Stage]:
        return await self.reference.stages(self.api)

    async def deals(self, query: DealQuery, limit: int, offset: int) -> DealPage:
        if offset >= MAX_OFFSET:
            raise Invalid(
                f"The CRM lists no more than {MAX_OFFSET:,} deals.",
                instead="Narrow the question, for example by owner, stage or close date.",
            )
        seen = await self._sight()
        filters = await self._filters(query, seen)
        if filters is None:
            return DealPage([], 0, None)
        document = await self._reading.search(
            "deals",
            {
                "filterGroups": filters,
                "sorts": [{"propertyName": "closedate", "direction": "ASCENDING"}],
                "properties": list(records.DEAL),
                "limit": min(limit, MAX_OFFSET - offset),
                "after": str(offset),
            },
        )
        found = records.records(document)
        kept = [one for one in found if seen.covers(one)]
        owners, known, companies = await asyncio.gather(
            self.reference.owners(self.api),
            self.reference.stages(self.api),
            self._reading.companies_of("deals", [one.id for one in kept], seen),
        )
        after = offset + len(found)
        total = total_of(document)
        return DealPage(
            [records.deal(one, known, owners, companies.get(one.id)) for one in kept],
            total,
            after if found and after < total else None,
        )

    async def deal(self, deal_id: str) -> DealState:
        found = await self._reading.one("deals", deal_id, await self._sight(), linked="companies")
        return DealState(
            found.id,
            found.text("dealname") or "(no name)",
            found.text("pipeline") or "",
            found.text("dealstage") or "",
            frozenset(found.linked.get("companies", ())),
        )

    async def note_of(self, marker: str) -> str | None:
        return await Writing(self.api).note_of(marker)

    async def add_note(self, note: NewNote) -> str:
        author = await self.reference.own_id(self.api, self.who)
        return await Writing(self.api).add_note(note, author)

    async def set_stage(self, deal_id: str, stage: Stage) -> None:
        await Writing(self.api).set_stage(deal_id, stage)

    async def _company(self, reference: str, seen: Sight) -> Record:
        reference = reference.strip()
        if seen.nothing:
            raise no_account()
        if reference.isascii() and reference.isdigit():
            for id_property in ("account_number", None):
                try:
                    return await self._reading.one(
                        "companies", reference, seen, id_property=id_property
                    )
                except NotFound:
                    continue
            raise no_account()
        wanted: dict[str, Any] = {"query": reference, "filterGroups": seen.groups()}
        if "." in reference and " " not in reference:
            one = {"propertyName": "domain", "operator": "EQ", "value": reference.lower()}
            wanted = {"filterGroups": seen.groups([one])}
        document = await self._reading.search(
            "companies", {**wanted, "limit": NAMESAKES, "properties": list(records.COMPANY)}
        )
        every = records.records(document)
        found = [
            one
            for one in every
            # nor does a number lead to an account whose phone it is part of
            if seen.covers(one) and numbers_among(reference, [one.text("name"), one.text("domain")])
        ]
        if not found:
            raise no_account()
        exact = [
            one for one in found if (one.text("name") or "").casefold() == reference.casefold()
        ]
        if len(exact) == 1 or len(found) == 1:
            return (exact or found)[0]
        names = "; ".join(f"{one.text('name')} ({one.text('account_number')})" for one in found[:5])
        raise Invalid(
            f"{total_of(document) if len(found) == len(every) else len(found)} accounts match.",
            instead=f"Give the account number of the one you mean, for example of: {names}.",
        )

    async def _filters(self, query: DealQuery, seen: Sight) -> list[dict[str, Any]] | None:
        """The filter groups of a question; None when nothing the person may see can match."""
        filters: list[dict[str, Any]] = []

        def add(name: str, operator: str, **value: Any) -> None:
            filters.append({"propertyName": name, "operator": operator, **value})

        if query.status != "any":
            add("hs_is_closed", "EQ", value=str(query.status != "open").lower())
        if query.status in {"won", "lost"}:
            add("hs_is_closed_won", "EQ", value=str(query.status == "won").lower())
        if query.stages:
            add("dealstage", "IN", values=[one.id for one in query.stages])
        if query.account:
            company = await self._company(query.account, seen)
            add("associations.company", "EQ", value=company.id)
        if query.closing_from or query.closing_to:
            low = query.closing_from or "1970-01-01"
            high = query.closing_to or "2999-12-31"
            add("closedate", "BETWEEN", value=f"{low}T00:00:00Z", highValue=f"{high}T23:59:59.999Z")
        if not query.owner:
            return None if seen.nothing else seen.groups(filters)
        owner_id = await self.reference.owner_id(self.api, query.owner, self.who)
        add(OWNER, "EQ", value=owner_id)
        return [{"filters": filters}] if seen.covers_owner(owner_id) else None

    async def _sight(self) -> Sight:
        if "all" in self.reach:
            return sight(self.reach, None, {})
        own_id = await self.reference.own_id(self.api, self.who)
        return sight(self.reach, own_id, await self.reference.colleagues(self.api))

    @property
    def _reading(self) -> Reading:
        return Reading(self.api)


def _newest(note: Any) -> tuple[str, int]:
    return (note.at or "", int(note.id))
