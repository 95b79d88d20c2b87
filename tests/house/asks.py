"""What tests ask of the house, and how they read a no."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from house.house import META, RECEIPT, REFUSED
from house.wire import events

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


def result_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    document = response.json()
    assert "error" not in document, document
    found: dict[str, Any] = document["result"]
    return found


def without_receipt(response: Any) -> tuple[int, list[tuple[str, str]], dict[str, Any]]:
    """Status, headers and body of an error; the receipt is another one in every answer."""
    document = response.json()
    assert document["error"]["data"].pop(RECEIPT)["leaf"]
    headers = [pair for pair in response.headers.multi_items() if pair[0] != "content-length"]
    return response.status_code, headers, document


def tool_error(response: Any) -> tuple[str, dict[str, Any]]:
    """The words for the model and the stable part beside them."""
    assert response.status_code == 200, response.text
    streamed = response.headers["content-type"] == "text/event-stream"
    result = (events(response.content)[-1] if streamed else response.json())["result"]
    assert result["isError"] is True
    return result["content"][0]["text"], result["_meta"].get(REFUSED, {})


async def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while not true():
        assert asyncio.get_running_loop().time() < deadline, "it did not happen"
        await asyncio.sleep(0.01)
