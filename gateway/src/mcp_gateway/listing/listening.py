"""subscriptions/listen: a client hears when what it may use here has changed, and only that.

What a person may use changes with the policy, with what operators close, and with drift. Each
stream looks at its own lists, made by the decision that makes them for `tools/list`; so nobody
hears of a change that is not theirs. A stream ends with its token, and with its replica.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from mcp_gateway.call import Answer, Call, Emit, Principal, Raw
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.listing import lists
from mcp_gateway.refusals import (
    INVALID_PARAMS,
    NOT_ACCEPTABLE,
    Refusal,
    malformed,
    too_many_streams,
)
from mcp_gateway.rights.authorize import known
from mcp_gateway.rights.policy import Family, Policy

METHOD = "subscriptions/listen"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
LOOK_SECONDS = 0.5
MOST_PER_PERSON = 8
MOST = 2000  # of one replica
# what can be asked for here, and how a change of it is told
TOLD = {
    "toolsListChanged": "notifications/tools/list_changed",
    "promptsListChanged": "notifications/prompts/list_changed",
}

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, eq=False)
class _Same:
    """Equal to itself alone; it keeps what it holds, so that no other takes its place."""

    of: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.of is other.of

    def __hash__(self) -> int:
        return id(self.of)


@dataclass
class Listening:
    policy: Callable[[], Policy]
    catalogue: Catalogue
    # refuses whom an operator has blocked
    admits: Callable[[Principal, str], None]
    # then a stream ends like any other, and the client opens its next one at another replica
    leaving: Callable[[], bool]
    clock: Callable[[], float] = time.time
    _streams: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def __call__(self, call: Call, principal: Principal, emit: Emit | None) -> Answer:
        """Tell of changes until the token ends; the answer is the end of the stream.

        Raises:
            Refusal: the client takes no stream, asks for no filter, or has too many open.

        """
        honoured = {key: True for key in _asked(call) if key in TOLD}
        if emit is None:
            raise Refusal(
                "not_acceptable", "Accept text/event-stream.", http=406, rpc=NOT_ACCEPTABLE
            )
        meta = {SUBSCRIPTION: call.request_id}
        with self._counted(principal):
            # looked at before it is said that one listens: nothing in between is missed
            before = self._lists(call, principal)
            await emit(_message("notifications/subscriptions/acknowledged", meta, honoured))
            async for changed in self._changes(call, principal, before):
                if changed in honoured:
                    await emit(_message(TOLD[changed], meta))
        return Answer(status="ok", result={"_meta": meta})

    async def _changes(self, call: Call, principal: Principal, before: dict[str, bytes]) -> Any:
        looked_at = self._state()
        while self.clock() < principal.expires:
            await asyncio.sleep(LOOK_SECONDS)
            if self.leaving():
                return
            try:
                self.admits(principal, call.endpoint)
            except Refusal:
                return
            now = self._state()
            if now == looked_at:
                continue
            looked_at, after = now, self._lists(call, principal)
            for key in TOLD:
                if after[key] != before[key]:
                    yield key
            before = after

    def _state(self) -> tuple[object, ...]:
        """Unchanged as long as nobody's lists can have changed; cheap, as it is looked at often."""
        return (
            _Same(self.policy()),
            _Same(self.catalogue.servers),
            frozenset(self.catalogue.drifted),
            self.catalogue.closed,
        )

    def _lists(self, call: Call, principal: Principal) -> dict[str, bytes]:
        policy = self.policy()
        person = known(principal, policy)

        def shown(server: str, family: Family, name: str) -> bool:
            return lists.visible(policy, person, server, family, name)

        return {
            "toolsListChanged": _encode(self.catalogue.tools(call.endpoint, shown)),
            "promptsListChanged": _encode(self.catalogue.prompts(call.endpoint, shown)),
        }

    @contextmanager
    def _counted(self, principal: Principal) -> Iterator[None]:
        person = (principal.issuer, principal.subject)
        if self._streams[person] >= MOST_PER_PERSON or self._streams.total() >= MOST:
            raise too_many_streams(MOST_PER_PERSON)
        self._streams[person] += 1
        try:
            yield
        finally:
            self._streams[person] -= 1
            if not self._streams[person]:
                del self._streams[person]


def _asked(call: Call) -> list[str]:
    wanted = msgspec.json.decode(call.params.get("notifications", Raw(b"null")))
    if not isinstance(wanted, dict):
        raise malformed("params.notifications must be an object.", rpc=INVALID_PARAMS)
    return [key for key, value in wanted.items() if value is True]


def _message(method: str, meta: dict[str, Raw], honoured: dict[str, bool] | None = None) -> bytes:
    params: dict[str, Any] = {"_meta": meta}
    if honoured is not None:
        params["notifications"] = honoured
    return _encode({"jsonrpc": "2.0", "method": method, "params": params})
