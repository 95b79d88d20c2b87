"""Paging cursors that fit one question of one person and nothing else. Pure."""

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from mcp_shared.faults import Invalid

_SEAL_BYTES = 16


def _seal(key: bytes, offset: int, question: Any) -> bytes:
    document = json.dumps([offset, question], sort_keys=True).encode()
    return hmac.digest(key, document, hashlib.sha256)[:_SEAL_BYTES]


def sealed(key: bytes, offset: int, question: Any) -> str:
    document = _seal(key, offset, question) + str(offset).encode()
    return base64.urlsafe_b64encode(document).decode().rstrip("=")


def opened(key: bytes, cursor: str | None, question: Any) -> int:
    """Where the page starts.

    Raises:
        Invalid: the cursor belongs to another question, or was made up.

    """
    if cursor is None:
        return 0
    try:
        document = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        offset = int(document[_SEAL_BYTES:])
    except (ValueError, binascii.Error):
        offset = -1
    if offset < 0 or not hmac.compare_digest(_seal(key, offset, question), document[:_SEAL_BYTES]):
        raise Invalid(
            "This cursor does not belong to this question.",
            instead="Repeat the arguments it came from, or leave the cursor out to start anew.",
        )
    return offset
