"""Policies, agents and lock files are read again when they change; nothing is restarted.

A change holds whole or not at all: when every file is right and the change is on the record, the
gateway goes over to all of it at once. A file that is wrong leaves everything as it was, which is
logged and on the record, too. The servers of a changed lock file are compared before their next
call.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from mcp_gateway.audit.waiting import LedgerDown
from mcp_gateway.configuration.settings import ConfigError, Rate, Server, Strict
from mcp_gateway.definitions import catalogue
from mcp_gateway.definitions.catalogue import Catalogue, Pinned
from mcp_gateway.refusals import Refusal
from mcp_gateway.rights import policy
from mcp_gateway.rights.policy import Policy, Rule

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5  # and files must be the same for one poll: an editor may write in parts
MOST_LINES = 50  # of a change on the record
MAX_LINE = 300  # characters

Stamp = tuple[tuple[int, int, int] | None, ...]
# what makes a line the same line; all else of it is compared
IDENTITY = ("server", "family", "name")


@dataclass
class Reload:
    servers: Sequence[Server]
    agents: Path
    timeout: float
    policy: Callable[[], Policy]
    use: Callable[[Policy], None]
    # raises a ConfigError for what this profile refuses
    insist: Callable[[Policy], None]
    catalogue: Catalogue
    # told whose definitions must be compared anew
    compare_again: Callable[[Iterable[str]], Awaitable[None]]
    event: Callable[[str, Mapping[str, Any]], Awaitable[None]]

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        seen: Stamp | None = None
        last = self._stamp()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            now = self._stamp()
            settled, last = now == last, now
            if settled and now != seen and await self._over_or_not():
                seen = now

    def _files(self) -> Iterator[Path]:
        for server in self.servers:
            yield server.folder / "policy.yaml"
            yield server.folder / "tools.lock.json"
        yield self.agents

    def _stamp(self) -> Stamp:
        return tuple(_stamp(path) for path in self._files())

    def _read(self) -> tuple[Policy, Mapping[str, Pinned]]:
        pinned = catalogue.load(self.servers).servers
        found = policy.load(self.servers, self.agents, self.timeout)
        self.insist(found)
        return found, pinned

    async def _over_or_not(self) -> bool:
        try:
            return await self._over()
        except Exception as error:  # whatever a file made go wrong: the next change must be seen
            log.exception("policy unread, the old one stays")
            return await self._told("policy_broken", {"error": type(error).__name__})

    async def _over(self) -> bool:
        """Go over to what the files say now; whether this is done with."""
        try:
            # parsing takes long enough for calls to notice
            found, pinned = await asyncio.to_thread(self._read)
        except (ConfigError, OSError) as error:
            log.error("policy broken, the old one stays", extra={"error": str(error)})
            return await self._told("policy_broken", {"error": str(error)[:2000]})
        before = self.policy()
        if found.version != before.version:
            detail = _detail(before.version, found.version, differences(before, found))
            if not await self._told("policy_changed", detail):
                return False
        known = self.catalogue.servers
        changed = [name for name, one in pinned.items() if one.digest != known[name].digest]
        for name in changed:
            was, now = known[name], pinned[name]
            detail = {"server": name, **_detail(was.digest, now.digest, _definitions(was, now))}
            if not await self._told("catalogue_changed", detail):
                return False
        if changed:
            self.catalogue.swap(pinned)
        if found.version != before.version:
            self.use(found)
        log.info("policy", extra={"version": found.version, "locks": changed})
        if changed:
            await self.compare_again(changed)
        return True

    async def _told(self, name: str, detail: Mapping[str, Any]) -> bool:
        """Put it on the record; a change that cannot be recorded waits."""
        try:
            await self.event(name, detail)
        except (Refusal, LedgerDown):
            log.warning("unrecorded, so it waits", extra={"event": name})
            return False
        return True


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _detail(old: str, new: str, lines: Iterable[str]) -> dict[str, Any]:
    every = [line[:MAX_LINE] for line in lines]
    return {
        "old": old,
        "new": new,
        "changed": every[:MOST_LINES],
        "more": max(0, len(every) - MOST_LINES),
    }


def differences(old: Policy, new: Policy) -> Iterator[str]:
    """Which lines are others now, one each; remarks and order are none."""
    for key in sorted({*old.rules, *new.rules}):
        before, after = old.rules.get(key), new.rules.get(key)
        label = f"{key[0]} {key[1]} {key[2]}"
        if before is None and after is not None:
            yield f"{label}: added, roles {_shown(after.roles)}"
        if after is None and before is not None:
            yield f"{label}: removed, roles {_shown(before.roles)}"
        if before is None or after is None:
            continue
        for one in fields(Rule):
            was, now = getattr(before, one.name), getattr(after, one.name)
            if one.name not in IDENTITY and was != now:
                yield f"{label}: {one.name} {_shown(was)} → {_shown(now)}"
    kinds: list[tuple[str, Mapping[str, Any], Mapping[str, Any]]] = [
        ("agent", old.agents, new.agents),
        ("service", old.services, new.services),
        ("rate of server", old.server_rates, new.server_rates),
        ("records of server", old.records, new.records),
    ]
    for kind, was_all, now_all in kinds:
        for name in sorted({*was_all, *now_all}):
            was, now = was_all.get(name), now_all.get(name)
            if was != now:
                yield f"{kind} {name}: {_shown(was)} → {_shown(now)}"


def _definitions(old: Pinned, new: Pinned) -> Iterator[str]:
    for kind, before, after in (
        ("tool", old.tools, new.tools),
        ("prompt", old.prompts, new.prompts),
    ):
        for name in sorted({*before, *after}):
            was, now = before.get(name), after.get(name)
            if was is None or now is None:
                yield f"{kind} {name}: {'added' if was is None else 'removed'}"
            elif was["hash"] != now["hash"]:
                yield f"{kind} {name}: changed"


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Rate):
        return f"{value.calls}/{value.seconds:g}s"
    if isinstance(value, frozenset | tuple | list):
        return f"[{', '.join(sorted(map(str, value)))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, Strict):
        return _shown({key: one for key, one in value if one is not None})
    return str(value)
