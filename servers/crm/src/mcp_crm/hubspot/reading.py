"""Reading records from the API: one, by search, in batches, and the account behind each.

What the API refuses becomes a fault in our words here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp_crm.hubspot import records
from mcp_crm.hubspot.api import Api, Rejected
from mcp_crm.hubspot.records import Record
from mcp_crm.hubspot.sight import OWNER, Sight
from mcp_shared.faults import Invalid, NotFound, Unavailable

BATCH = 100  # records of one request
MAX_LINK_PAGES = 20  # of 500 links


@dataclass(frozen=True, slots=True)
class Reading:
    api: Api

    async def one(
        self, kind: str, key: str, seen: Sight, *, id_property: str | None = None, linked: str = ""
    ) -> Record:
        """A record by its id or by a unique property.

        Raises:
            NotFound: it is not there, or not for this person.

        """
        properties = records.COMPANY if kind == "companies" else records.DEAL
        params = {"properties": ",".join(properties)}
        if id_property:
            params["idProperty"] = id_property
        if linked:
            params["associations"] = linked
        try:
            path = self.api.path("objects", kind, key)
            found = records.record(await self.api.read("GET", path, params=params))
        except Rejected as refused:
            if refused.status == 404:
                raise missing(kind) from refused
            raise unfit() from refused
        if found is None:
            raise Unavailable("The CRM's answer made no sense.", instead="Try again later.")
        if not seen.covers(found):
            raise missing(kind)
        for target, after in found.further.items():
            rest = await self._links(kind, found.id, target, after)
            found = replace(found, linked={**found.linked, target: (*found.linked[target], *rest)})
        return found

    async def _links(self, kind: str, key: str, target: str, after: str) -> list[str]:
        """The pages of links that follow the first."""
        path = self.api.path("associations", kind, target, "batch", "read")
        found: list[str] = []
        for _ in range(MAX_LINK_PAGES):
            document = await self._ask(path, {"inputs": [{"id": key, "after": after}]})
            found += [to for _, to in records.links(document)]
            pages = document.get("results") or [{}]
            if not (following := records.next_page(pages[0])):
                break
            after = following
        return found

    async def search(self, kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
        return await self._ask(self.api.path("objects", kind, "search"), document)

    async def batch(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> list[Record]:
        """As many records as are there, a hundred with each request."""
        parts = [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]
        path = self.api.path("objects", kind, "batch", "read")
        answers = await asyncio.gather(
            *(
                self._ask(
                    path,
                    {"inputs": [{"id": one} for one in part], "properties": list(properties)},
                )
                for part in parts
            )
        )
        return [one for answer in answers for one in records.records(answer)]

    async def companies_of(self, kind: str, ids: Sequence[str], seen: Sight) -> dict[str, Record]:
        """The first account of each contact or deal, where the person may know of it."""
        if not ids:
            return {}
        path = self.api.path("associations", kind, "companies", "batch", "read")
        document = await self._ask(path, {"inputs": [{"id": one} for one in ids]})
        first: dict[str, str] = {}
        for source, target in records.links(document):
            first.setdefault(source, target)
        wanted = sorted(set(first.values()))
        companies = {
            one.id: one
            for one in await self.batch("companies", wanted, ("name", "account_number", OWNER))
            if seen.covers(one)
        }
        return {
            source: companies[target] for source, target in first.items() if target in companies
        }

    async def _ask(self, path: str, document: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self.api.read("POST", path, json=document)
        except Rejected as refused:
            raise unfit() from refused


def total_of(document: Mapping[str, Any]) -> int:
    total = document.get("total")
    return total if isinstance(total, int) else 0


def no_account() -> NotFound:
    return NotFound(
        "No account matches.", instead="Try its account number, or find_contacts with a name."
    )


def missing(kind: str) -> NotFound:
    if kind == "companies":
        return no_account()
    return NotFound("There is no deal with that id.", instead="list_deals gives ids.")


def unfit() -> Invalid:
    return Invalid(
        "The CRM does not accept this request.",
        instead="Check the ids and values, or ask for less.",
    )
