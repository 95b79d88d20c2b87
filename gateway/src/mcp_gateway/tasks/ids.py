"""Task ids as clients carry them: sealed for one person and agent, and opened by any replica.

Inside are the server, the tool, the server's own id, the call that began it and the moment it is
over; nothing is kept here. Who has an id of somebody else's, or a changed one, has no id at all.
Pure: no clock, no network, no state.
"""

import msgspec

from mcp_gateway.call import Principal
from mcp_gateway.seal import BrokenSealError, Seal

MAX_ID = 1024  # characters


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a task is and what it is of."""

    server: str
    tool: str
    own: str
    # id of the call that became the task: it joins what the record says of both
    call: str
    # seconds of the epoch
    until: int


_place = msgspec.json.Decoder(Place)


class TaskIds:
    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def close(self, principal: Principal, place: Place) -> str:
        return self._seal.close(msgspec.json.encode(place), _bound(principal))

    def open(self, principal: Principal, sealed: str) -> Place | None:
        """None: not from here, or not theirs."""
        if len(sealed) > MAX_ID:
            return None
        try:
            return _place.decode(self._seal.open(sealed, _bound(principal)))
        except (BrokenSealError, msgspec.MsgspecError):
            return None


def _bound(principal: Principal) -> bytes:
    """Another agent of the same person may have fewer rights."""
    return msgspec.json.encode(["task", principal.issuer, principal.subject, principal.agent])
