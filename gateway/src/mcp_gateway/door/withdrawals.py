"""Calls of older clients that are under way here, which they take back by a notification.

A newer client closes its stream; an older one keeps it open and sends `notifications/cancelled`.
Only who began a call ends it: the same token, at the same endpoint, by the id it gave. Two windows
with one sign-in may have given the same id; then nothing is ended, and each runs to its deadline.
A notification that reaches another replica ends nothing, either.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from mcp_gateway.call import Call, Principal
from mcp_gateway.refusals import Refusal

WITHDRAWN = -31499

Key = tuple[bytes, str, bytes]
Work = asyncio.Task[Any]


@dataclass
class Withdrawals:
    _calls: dict[Key, list[Work]] = field(default_factory=dict)
    _withdrawn: set[Work] = field(default_factory=set)

    def possible(
        self, call: Call, principal: Principal, work: Work
    ) -> AbstractContextManager[None]:
        """While this holds, the client may take the call back.

        Raises:
            Refusal: it did; what it gets for an answer it does not wait for any more.

        """
        return nullcontext() if call.era != "legacy" else self._possible(call, principal, work)

    @contextmanager
    def _possible(self, call: Call, principal: Principal, work: Work) -> Iterator[None]:
        key = (principal.token_hash, call.endpoint, bytes(call.request_id))
        self._calls.setdefault(key, []).append(work)
        try:
            yield
        except asyncio.CancelledError:
            if work not in self._withdrawn:
                raise
            work.uncancel()
            raise Refusal(
                "withdrawn", "Cancelled, as you asked.", http=200, rpc=WITHDRAWN
            ) from None
        finally:
            self._withdrawn.discard(work)
            self._calls[key].remove(work)
            if not self._calls[key]:
                del self._calls[key]

    def withdraw(self, principal: Principal, endpoint: str, request_id: bytes) -> None:
        begun = self._calls.get((principal.token_hash, endpoint, request_id), [])
        if len(begun) == 1 and begun[0] not in self._withdrawn and begun[0].cancel():
            self._withdrawn.add(begun[0])
