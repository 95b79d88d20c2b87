"""What changes rarely in the CRM, kept for a minute: owners, pipelines and their stages."""

import asyncio
import difflib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from mcp_crm.hubspot import records
from mcp_crm.hubspot.api import Api, Rejected
from mcp_crm.hubspot.records import Colleague
from mcp_crm.models import Owner
from mcp_crm.stages import Stage
from mcp_shared.faults import Invalid, Unavailable
from mcp_shared.identity import Caller

FRESH_SECONDS = 60
MAX_PAGES = 10  # of 100 owners

Kept = TypeVar("Kept")


class Reference:
    """Shared by all calls: nothing in it depends on who asks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Any]] = {}
        self._fetching = asyncio.Lock()

    async def colleagues(self, api: Api) -> Mapping[str, Colleague]:
        async def fetch() -> Mapping[str, Colleague]:
            found: dict[str, Colleague] = {}
            params = {"limit": "100"}
            for _ in range(MAX_PAGES):
                document = await _get(api, api.path("owners"), params)
                found |= dict(records.colleague(one) for one in document.get("results", []))
                if not (after := records.next_page(document)):
                    break
                params = {"limit": "100", "after": after}
            return found

        return await self._fresh("colleagues", fetch)

    async def owners(self, api: Api) -> Mapping[str, Owner]:
        return {number: one.owner for number, one in (await self.colleagues(api)).items()}

    async def stages(self, api: Api) -> Sequence[Stage]:
        async def fetch() -> Sequence[Stage]:
            return records.stages(await _get(api, api.path("pipelines", "deals"), {}))

        return await self._fresh("stages", fetch)

    async def own_id(self, api: Api, who: Caller) -> str | None:
        """The caller among the owners, by the part of the address that is their user name.

        Two owners with that name are nobody: a wrong one would open a stranger's records. Lower
        case as the issuer has it, which folds less: to it `straße` and `strasse` are two people.
        """
        found = [
            owner_id
            for owner_id, owner in (await self.owners(api)).items()
            if owner.email.partition("@")[0].lower() == who.username.lower()
        ]
        return found[0] if len(found) == 1 else None

    async def owner_id(self, api: Api, wanted: str, who: Caller) -> str:
        """An owner by name or e-mail address, or the caller by "me".

        Raises:
            Invalid: nobody, or several; says who was probably meant.

        """
        if wanted.strip().casefold() == "me":
            if own := await self.own_id(api, who):
                return own
            raise Invalid("You own nothing in the CRM.", instead="Name a salesperson as owner.")
        owners, text = await self.owners(api), wanted.strip().casefold()
        exact = [n for n, o in owners.items() if text in {o.name.casefold(), o.email.casefold()}]
        matching = exact or [n for n, o in owners.items() if text in o.name.casefold()]
        if len(matching) == 1:
            return matching[0]
        names = [owners[n].name for n in matching] or difflib.get_close_matches(
            wanted, [o.name for o in owners.values()], n=3, cutoff=0.4
        )
        hint = f"Did you mean {' or '.join(names[:5])}?" if names else "Leave owner out."
        what = "Several salespeople match." if matching else "No salesperson has that name."
        raise Invalid(what, instead=hint)

    async def _fresh(self, name: str, fetch: Callable[[], Awaitable[Kept]]) -> Kept:
        kept: Kept
        async with self._fetching:
            at, kept = self._kept.get(name, (float("-inf"), None))
            if self._clock() - at < FRESH_SECONDS:
                return kept
            fetched = await fetch()
            self._kept[name] = (self._clock(), fetched)
            return fetched


async def _get(api: Api, path: str, params: Mapping[str, str]) -> dict[str, Any]:
    try:
        return await api.read("GET", path, params=params)
    except Rejected as refused:
        raise Unavailable(
            "The CRM does not describe itself as expected.",
            instead="Tell the operator of the CRM server.",
        ) from refused
