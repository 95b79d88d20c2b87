"""What a server says on the way to its answer, and which of it the client asked to hear.

Progress goes to whoever gave a token for it, under that token and forward only; log lines to
whoever named a level. Everything else is dropped. Pure: no clock and no network.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from mcp_gateway.call import Call, Raw
from mcp_gateway.protocol import LOG_LEVEL

_KEPT = ("jsonrpc", "method", "params")
_PROGRESS = b'"notifications/progress"'
_LOG = b'"notifications/message"'

_encode = msgspec.json.Encoder().encode


class Notes:
    """Of one call."""

    def __init__(self, call: Call) -> None:
        self._token = call.meta.get("progressToken")
        self._logs = call.era == "legacy" or LOG_LEVEL in call.meta
        self._before = float("-inf")

    def passing(self, message: Mapping[str, Raw]) -> bytes | None:
        """The notification as the client gets it, written anew; None for what it does not get."""
        method = bytes(message["method"])
        passes = (method == _LOG and self._logs) or (method == _PROGRESS and self._moves(message))
        return _encode({key: message[key] for key in _KEPT if key in message}) if passes else None

    def _moves(self, message: Mapping[str, Raw]) -> bool:
        if self._token is None:
            return False
        params: Any = msgspec.json.decode(message.get("params", Raw(b"null")))
        if not isinstance(params, dict):
            return False
        progress = params.get("progress")
        if isinstance(progress, bool) or not isinstance(progress, int | float):
            return False
        if params.get("progressToken") != msgspec.json.decode(self._token):
            return False
        moves, self._before = progress > self._before, max(progress, self._before)
        return moves
