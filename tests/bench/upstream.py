"""An MCP server that is never the limit: raw asyncio and httptools, one prepared answer.

    python -m bench.upstream PORT FOLDER

`/<office>/<server>/mcp` plays that server, with the definitions of its lock file there. It trusts
whoever reaches it.
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


def listed(folder: Path, path: bytes) -> bytes:
    """What `tools/list` answers at this path."""
    office, server = path.decode().strip("/").split("/")[:2]
    lock = folder / office / "servers" / server / "tools.lock.json"
    tools = json.loads(lock.read_text(encoding="utf-8"))["tools"]
    tools = [{k: v for k, v in one.items() if k != "hash"} for one in tools]
    page = {"resultType": "complete", "tools": tools, "ttlMs": 0, "cacheScope": "private"}
    return json.dumps(page).encode()


class Server(asyncio.Protocol):
    def __init__(self, folder: Path, cut: list[bytes]) -> None:
        self._folder, self._cut = folder, cut
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._body: list[bytes] = []
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_url(self, url: bytes) -> None:
        self._path = url

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        raw, self._body = b"".join(self._body), []
        message = _decode(raw) if raw else Message()
        if message.method == "tools/list":
            result = listed(self._folder, self._path)
        else:
            result = str(message.params.arguments.get("number", 0)).encode().join(self._cut)
        body = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (bytes(message.id), result)
        self._transport.write(HEAD % len(body) + body)


async def serve(port: int, folder: Path) -> None:
    cut = prepared()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(folder, cut), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
