"""The server behind the gateways, with a journal of its own: a line for each call, before its answer.

    python -m faults.upstream PORT FOLDER JOURNAL

The answer takes a while, so that a gateway can die with the effect done and no answer read.
"""

import asyncio
import os
import sys
from pathlib import Path

import uvloop
from bench.upstream import HEAD, Server, _decode, listed, prepared

TAKES_SECONDS = 0.01


class Journaled(Server):
    def __init__(self, folder: Path, cut: list[bytes], journal: int) -> None:
        super().__init__(folder, cut)
        self._journal = journal

    def on_message_complete(self) -> None:
        raw, self._body = b"".join(self._body), []
        message = _decode(raw) if raw else None
        if message is None or message.method == "tools/list":
            result = listed(self._folder, self._path) if message else b"{}"
            self._answer(bytes(message.id) if message else b"null", result)
            return
        number = str(message.params.arguments.get("number", 0)).encode()
        os.write(self._journal, number + b"\n")
        asyncio.get_running_loop().call_later(
            TAKES_SECONDS, self._answer, bytes(message.id), number.join(self._cut)
        )

    def _answer(self, call: bytes, result: bytes) -> None:
        body = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (call, result)
        if not self._transport.is_closing():
            self._transport.write(HEAD % len(body) + body)


async def serve(port: int, folder: Path, path: Path) -> None:
    cut = prepared()
    journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Journaled(folder, cut, journal), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
