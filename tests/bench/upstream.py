"""An MCP server that is never the limit: raw asyncio and httptools, one prepared answer.

    python -m bench.upstream PORT LOCK_FILE

It serves every path: listed servers differ by their path alone. Definitions are those of the lock
file. It trusts whoever reaches it.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httptools
import msgspec
import uvloop
from bench.read_shelf import shelf

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
MARK = 123_456


class Params(msgspec.Struct):
    arguments: dict[str, Any] = {}


class Message(msgspec.Struct):
    method: str = ""
    id: msgspec.Raw = msgspec.Raw(b"null")
    params: Params = msgspec.field(default_factory=Params)


_decode = msgspec.json.Decoder(Message).decode


def prepared() -> list[bytes]:
    """The result of a call, cut where the shelf's number goes."""
    found = shelf(MARK)
    result = {
        "resultType": "complete",
        "content": [{"type": "text", "text": found.model_dump_json()}],
        "structuredContent": found.model_dump(mode="json"),
        "isError": False,
    }
    return json.dumps(result, separators=(",", ":")).encode().split(str(MARK).encode())


class Definitions:
    def __init__(self, lock: Path) -> None:
        document = json.loads(lock.read_text())
        tools = [{k: v for k, v in one.items() if k != "hash"} for one in document["tools"]]
        page = {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"}
        self.tools = json.dumps(page).encode()


class Server(asyncio.Protocol):
    def __init__(self, definitions: Definitions, cut: list[bytes]) -> None:
        self._definitions, self._cut = definitions, cut
        self._parser = httptools.HttpRequestParser(self)
        self._body: list[bytes] = []
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        raw, self._body = b"".join(self._body), []
        message = _decode(raw) if raw else Message()
        if message.method == "tools/list":
            result = self._definitions.tools
        else:
            result = str(message.params.arguments.get("number", 0)).encode().join(self._cut)
        body = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (bytes(message.id), result)
        self._transport.write(HEAD % len(body) + body)


async def serve(port: int, lock: Path) -> None:
    definitions, cut = Definitions(lock), prepared()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(definitions, cut), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
