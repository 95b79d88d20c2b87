"""Compares what servers serve with what was pinned: before the first call, and again every while.

A server that cannot be compared is not called. Drift is an event on the record and closes the tool.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from mcp_gateway.call import Raw
from mcp_gateway.definitions.catalogue import Catalogue, hash_of
from mcp_gateway.refusals import Refusal, unavailable
from mcp_gateway.rights.policy import Family

log = logging.getLogger(__name__)

AGAIN_SECONDS = 30.0  # the longest a changed definition can be called before it is noticed
MAX_PAGES = 20
MAX_KEYS = 20  # named on the record

One = tuple[str, Family, str]

FAMILIES: tuple[tuple[Family, str, str], ...] = (
    ("tool", "tools/list", "tools"),
    ("prompt", "prompts/list", "prompts"),
)


class Asking(Protocol):
    async def ask(self, server: str, method: str, params: dict[str, Any]) -> Mapping[str, Raw]: ...


class Drift:
    def __init__(
        self,
        catalogue: Catalogue,
        forward: Asking,
        event: Callable[[str, Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        self._catalogue = catalogue
        self._forward = forward
        self._event = event
        self._compared: set[str] = set()
        # what is on the record as drifted
        self._told: set[One] = set()
        # of what drifted, how: hashes, and which parts of the definition are others
        self._how: dict[One, Mapping[str, Any]] = {}
        self._under_way: dict[str, asyncio.Task[None]] = {}

    @property
    def compared(self) -> Mapping[str, bool]:
        """By server, whether its definitions were compared when last looked at."""
        return {server: server in self._compared for server in self._catalogue.servers}

    async def ensure_compared(self, server: str) -> bool:
        """Return once this server's definitions have been compared; whether that was only now.

        Raises:
            Refusal: it does not answer, so it is not called either.

        """
        if server in self._compared:
            return False
        await asyncio.shield(self._comparison(server))
        return True

    def _comparison(self, server: str) -> asyncio.Task[None]:
        """The one under way, or a new one. All who wait share it, and its failure: behind a server
        that hangs nobody queues for a turn of their own.
        """
        known = self._under_way.get(server)
        if known is None or known.done():
            known = self._under_way[server] = asyncio.create_task(self.compare(server))
            known.add_done_callback(lambda done: done.cancelled() or done.exception())
        return known

    async def compare(self, server: str) -> None:
        for family, method, key in FAMILIES:
            if self._catalogue.pins(server, family):
                served = await self._served(server, method, key)
                for name in self._catalogue.compare(server, family, served):
                    self._how[server, family, name] = self._difference(server, family, name, served)
        await self._tell(server)
        self._compared.add(server)

    async def again(self, servers: Iterable[str]) -> None:
        """Compare these anew: before their next call, and at once."""
        waiting = list(servers)
        self._compared.difference_update(waiting)
        for server in waiting:
            # one that began before the change says nothing about what is pinned now
            if (before := self._under_way.get(server)) is not None:
                await asyncio.wait({before})
            try:
                await asyncio.shield(self._comparison(server))
            except Refusal as refusal:
                log.warning("not compared", extra={"server": server, "code": refusal.code})

    async def _tell(self, server: str) -> None:
        """Put what changed on the record; what could not be recorded now is told the next time."""
        now = {one for one in self._catalogue.drifted if one[0] == server}
        told = {one for one in self._told if one[0] == server}
        for event, changed in (("drift", now - told), ("drift_over", told - now)):
            for one in sorted(changed):
                _, family, name = one
                log.error(event, extra={"server": server, "family": family, "definition": name})
                how = self._how.get(one, {}) if event == "drift" else {}
                await self._event(event, {"server": server, "family": family, "name": name, **how})
                self._told ^= {one}

    def _difference(
        self, server: str, family: Family, name: str, served: Iterable[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """For the record: what was pinned, what is served, and which keys differ; no texts."""
        pinned = self._catalogue.pinned(server, family, name)
        now = [one for one in served if one.get("name") == name]
        if not now:
            return {"pinned": pinned.get("hash"), "served": None, "changed": []}
        # with several of one name, the one that is not the pinned one is the news
        other = next((one for one in now if hash_of(one) != pinned.get("hash")), now[-1])
        keys = sorted({*pinned, *other} - {"hash"})
        return {
            "pinned": pinned.get("hash"),
            "served": hash_of(other),
            "changed": [key[:64] for key in keys if pinned.get(key) != other.get(key)][:MAX_KEYS],
        }

    async def watch(self) -> None:
        """Compare all servers again and again, until cancelled."""
        while True:
            for server in self._catalogue.servers:
                try:
                    await asyncio.shield(self._comparison(server))
                except Refusal as refusal:
                    # away now; what comes back may be another build, so compare before calling it
                    self._compared.discard(server)
                    log.warning("not compared", extra={"server": server, "code": refusal.code})
            await asyncio.sleep(AGAIN_SECONDS)

    async def _served(self, server: str, method: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        params: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            result = await self._forward.ask(server, method, params)
            try:
                found += msgspec.json.decode(result[key], type=list[dict[str, Any]])
                following = msgspec.json.decode(result.get("nextCursor", b"null"))
            except (KeyError, ValueError, RecursionError) as error:
                raise unavailable("server_failed", f"{server} lists no {key}.") from error
            if following is None:
                break
            params = {"cursor": following}
        return found
