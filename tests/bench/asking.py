"""The request that is measured, as raw bytes, and what its answer must say.

Pure: no clock, no network, no state.
"""

import json
from typing import Any

from bench.read_shelf import shelf

MODERN, LEGACY = "2026-07-28", "2025-11-25"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
ID, NUMBER = "I" * 12, "N" * 6  # call.lua and `filled` put numbers of the same width there
RECORD = "\x1e"


def request(
    path: str, host: str, tool: str, *, token: str | None = None, era: str = MODERN
) -> bytes:
    """One tools/call, complete, with room for an id and a number."""
    params: dict[str, Any] = {"name": tool, "arguments": {"number": NUMBER}}
    if era == MODERN:
        params["_meta"] = META
    message = {"jsonrpc": "2.0", "id": ID, "method": "tools/call", "params": params}
    body = json.dumps(message, separators=(",", ":"))
    body = body.replace(f'"{ID}"', ID).replace(f'"{NUMBER}"', NUMBER)
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"MCP-Protocol-Version: {era}",
        *(["Mcp-Method: tools/call", f"Mcp-Name: {tool}"] if era == MODERN else []),
        *([f"Authorization: Bearer {token}"] if token else []),
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body]).encode()


def filled(request: bytes, call: int, number: int) -> bytes:
    return request.replace(ID.encode(), b"%012d" % call).replace(NUMBER.encode(), b"%06d" % number)


def problem(body: str) -> str | None:
    """What is wrong with a sampled answer; None when it is the whole right one."""
    text = body.strip()
    if text.startswith(("event:", "data:", "id:")):  # as one event of a stream
        text = text[text.index("data:") + 5 :].strip()
    try:
        message = json.loads(text)
        result = message["result"]
        structured = result["structuredContent"]
        expected = shelf(structured["shelf"]).model_dump(mode="json")
    except (ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}: {body[:200]}"
    # requests name their number after their id
    if structured["shelf"] != 100_000 + message["id"] % 900_000:
        return f"the answer to call {message['id']} is about shelf {structured['shelf']}"
    if result["isError"] is not False or structured != expected:
        return f"not the answer of the tool: {body[:200]}"
    if json.loads(result["content"][0]["text"]) != expected:
        return f"text and structured content differ: {body[:200]}"
    return None
