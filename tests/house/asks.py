"""What tests ask of the house, and how they read a no."""

import json
from typing import Any

from house.house import META, RECEIPT

GOOD: dict[str, Any] = {"name": "numbers_add_numbers", "arguments": {"numbers": [1]}}


def body_of(**changed: Any) -> bytes:
    """A good call as bytes, with parts of the message replaced."""
    params = {**GOOD, "_meta": META}
    document = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params, **changed}
    return json.dumps(document).encode()


def error_of(response: Any) -> dict[str, Any]:
    document = response.json()
    assert "result" not in document
    assert document["jsonrpc"] == "2.0"
    found: dict[str, Any] = document["error"]
    return found


def without_receipt(response: Any) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
    """Status, headers and body of an error; the receipt is another one in every answer."""
    document = response.json()
    assert document["error"]["data"].pop(RECEIPT)["leaf"]
    headers = [pair for pair in response.headers.multi_items() if pair[0] != "content-length"]
    return response.status_code, headers, document
