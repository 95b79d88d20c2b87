"""Two questions about a replica: whether calls can be served, and whether to send it any."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_gateway.audit.ledger import Ledger
from mcp_gateway.audit.room import Room
from mcp_shared.tokens import KeySource


@dataclass(frozen=True)
class Health:
    ledger: Ledger
    # False where calls go on while it is down
    required: bool
    room: Room | None
    keys: KeySource
    leaving: Callable[[], bool]

    async def ready(self, _: Request) -> JSONResponse:
        """Whether calls can be served: the ledger takes records and tokens can be checked."""
        parts = {"ledger": self._records(), "issuer_keys": await _reachable(self.keys)}
        ready = all(parts.values()) and not self.leaving()
        return JSONResponse({"ready": ready, **parts}, 200 if ready else 503)

    async def fit(self, _: Request) -> JSONResponse:
        """Whether to send calls here rather than to another: of this process alone, since with a
        ledger or an issuer that is away every replica has the better answer than none.
        """
        ended = self.ledger.ended
        word = "leaving" if self.leaving() else "ledger ended" if ended else "ok"
        return JSONResponse({"status": word}, 200 if word == "ok" else 503)

    def _records(self) -> bool:
        full = self.room is not None and self.room.closed
        return not self.required or (self.ledger.healthy and not full)


async def _reachable(keys: KeySource) -> bool:
    if not keys.usable:
        with contextlib.suppress(Exception):
            await keys.key("")
    return keys.usable
