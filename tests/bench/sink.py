"""A collector that reads everything and keeps nothing: it counts the spans that arrive.

    python -m bench.sink PORT

GET tells what has arrived so far.
"""

import asyncio
import json
import sys
from typing import Any

import httptools
import uvloop
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: %d\r\n\r\n"


class Arrived:
    def __init__(self) -> None:
        self.spans = self.bytes = self.requests = 0

    def take(self, path: bytes, body: bytes) -> None:
        self.requests += 1
        self.bytes += len(body)
        if path == b"/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            self.spans += sum(
                len(scope.spans) for one in request.resource_spans for scope in one.scope_spans
            )


class Collector(asyncio.Protocol):
    def __init__(self, arrived: Arrived) -> None:
        self._arrived = arrived
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
        body, self._body = b"".join(self._body), []
        answer = b""
        if self._parser.get_method() == b"GET":
            answer = json.dumps(vars(self._arrived)).encode()
        else:
            self._arrived.take(self._path, body)
        self._transport.write(HEAD % len(answer) + answer)


async def serve(port: int) -> None:
    arrived = Arrived()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Collector(arrived), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
