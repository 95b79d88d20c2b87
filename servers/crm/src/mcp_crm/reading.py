"""Reading records from the API: one, by search, in batches, and the account behind each.

What the API refuses becomes a fault in our words here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_crm import records
from mcp_crm.api import Api, Rejected
from mcp_crm.records import Record
from mcp_shared.faults import Invalid, NotFound, Unavailable


@dataclass(frozen=True, slots=True)
class Reading:
    api: Api

    async def one(
        self, kind: str, key: str, *, id_property: str | None = None, linked: str = ""
    ) -> Record:
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
        return found

    async def search(self, kind: str, document: Mapping[str, Any]) -> dict[str, Any]:
        return await self._ask(self.api.path("objects", kind, "search"), document)

    async def batch(self, kind: str, ids: Sequence[str], properties: Sequence[str]) -> list[Record]:
        if not ids:
            return []
        document = {"inputs": [{"id": one} for one in ids], "properties": list(properties)}
        return records.records(
            await self._ask(self.api.path("objects", kind, "batch", "read"), document)
        )

    async def companies_of(self, kind: str, ids: Sequence[str]) -> dict[str, Record]:
        """The first account of each contact or deal."""
        if not ids:
            return {}
        path = self.api.path("associations", kind, "companies", "batch", "read")
        document = await self._ask(path, {"inputs": [{"id": one} for one in ids]})
        first: dict[str, str] = {}
        for source, target in records.links(document):
            first.setdefault(source, target)
        wanted = sorted(set(first.values()))
        companies = {
            one.id: one for one in await self.batch("companies", wanted, ("name", "account_number"))
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
