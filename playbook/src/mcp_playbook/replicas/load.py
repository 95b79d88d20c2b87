"""A bounded load of reads and keyed writes, as a careful client makes them.

Only a whole answer counts as one; what got none is tried again, a write with its same key, and so
is what is refused for now: a server may still be making the write whose answer was lost. Every
attempt has a trace of its own, so that the record tells whether somebody on the way repeated it.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from mcp_playbook import wire
from mcp_playbook.deployment import Deployment
from mcp_shared.meta import FAULT, RECEIPT, REFUSED

AT_ONCE = 8
PATIENCE_SECONDS = 20.0  # of a client that tries again
PAUSE_SECONDS, LATER_SECONDS = 0.05, 0.5
JSON = "application/json"


@dataclass(frozen=True)
class Wish:
    """What somebody wants done once; a write has a key, by which it is known when repeated."""

    person: str
    tool: str  # as on /mcp: <server>_<tool>
    arguments: Mapping[str, Any]
    key: str = ""

    @property
    def writes(self) -> bool:
        return bool(self.key)


@dataclass(frozen=True)
class Attempt:
    """One request for a wish, and what came of it."""

    wish: Wish
    trace: str
    at: float  # seconds since the load began
    seconds: float
    failure: str = ""  # how it was visible that no answer came
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answered(self) -> bool:
        return not self.failure

    @property
    def later(self) -> str:
        """Why the same call should be made again a little later: nobody could, or too many did."""
        said = self.document.get("result", {}).get("_meta") or {}
        fault, refused = ((said.get(key) or {}).get("code", "") for key in (FAULT, REFUSED))
        return str(refused or (fault if fault == "unavailable" else ""))

    @property
    def works(self) -> bool:
        result = self.document.get("result")
        return isinstance(result, dict) and not result.get("isError")

    @property
    def receipt(self) -> Mapping[str, Any] | None:
        said = self.document.get("result", {}).get("_meta")
        said = said or (self.document.get("error", {}).get("data") or {})
        found = said.get(RECEIPT)
        return found if isinstance(found, dict) else None


@dataclass
class Load:
    """Wishes of several people, so many at once, each worker with a pause after each."""

    at: Deployment
    wishes: Iterable[Wish]
    pause: float = 0.0
    patience: float = PATIENCE_SECONDS
    attempts: list[Attempt] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, incident: Callable[["Load"], Coroutine[Any, Any, None]]) -> None:
        """Every wish, while `incident` happens; returns when both are over."""
        waiting = iter(self.wishes)
        limits = httpx2.Limits(max_connections=AT_ONCE)
        self.begun = time.monotonic()
        async with wire.client(limits=limits) as http, asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._worker(http, waiting))
            group.create_task(incident(self))

    async def answers(self, count: int) -> None:
        """Returns once so many attempts have ended."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.attempts) >= count)

    @property
    def lost(self) -> list[Attempt]:
        return [one for one in self.attempts if not one.answered]

    @property
    def unfulfilled(self) -> list[Wish]:
        """What was never done, however often it was tried."""
        answered = {id(one.wish) for one in self.attempts if one.answered and not one.later}
        return [one.wish for one in self.attempts if id(one.wish) not in answered]

    async def _worker(self, http: httpx2.AsyncClient, waiting: Iterator[Wish]) -> None:
        for wish in waiting:
            deadline = time.monotonic() + self.patience
            while True:
                attempt = await self._attempt(http, wish)
                async with self._arrived:
                    self.attempts.append(attempt)
                    self._arrived.notify_all()
                done = attempt.answered and not attempt.later
                if done or time.monotonic() > deadline:
                    break
                await asyncio.sleep(LATER_SECONDS if attempt.later else PAUSE_SECONDS)
            await asyncio.sleep(self.pause)

    async def _attempt(self, http: httpx2.AsyncClient, wish: Wish) -> Attempt:
        endpoint = self.at.endpoints[0]
        token = await self.at.token(wish.person, endpoint)
        trace = secrets.token_hex(16)
        meta = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
        params = {"name": wish.tool, "arguments": wish.arguments, "_meta": meta}
        headers = {
            "authorization": f"Bearer {token}", "content-type": JSON, "accept": JSON,
            "mcp-protocol-version": wire.MODERN, "mcp-method": "tools/call", "mcp-name": wish.tool,
        }  # fmt: skip
        body = wire.request("tools/call", params, wire.MODERN, 1)
        begun = time.monotonic()
        failure, document = "", dict[str, Any]()
        try:
            answer = await http.post(endpoint.url, content=body, headers=headers)
        except httpx2.HTTPError as error:
            failure = type(error).__name__
        else:
            document = _whole(answer)
            failure = "" if document else f"HTTP {answer.status_code}"
        now = time.monotonic()
        return Attempt(wish, trace, begun - self.begun, now - begun, failure, document)


def _whole(answer: httpx2.Response) -> dict[str, Any]:
    """A JSON-RPC response of the gateway's; a balancer's own page of failure is none."""
    if not answer.headers.get("content-type", "").startswith(JSON):
        return {}
    try:
        found = json.loads(answer.text)
    except ValueError:
        return {"half": answer.text[:100]}
    known = isinstance(found, dict) and found.get("id") == 1
    return (
        found if known and ("result" in found or "error" in found) else {"half": str(found)[:100]}
    )
