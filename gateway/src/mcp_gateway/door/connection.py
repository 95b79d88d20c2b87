"""One client's connection: what holds before there is a request, and after its answer.

A head has a deadline and a size; a request is framed in one way or refused (RFC 9112, section
11.2); what a refused request still sends is thrown away, for a while and up to a bound. Knows
bytes and moments; what a request means is the edge's.
"""

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS = 10.0  # from the connection, or the first byte, to the end of the headers
# head, chunk sizes, chunk extensions and trailers of one request: everything but its body
FRAMING_BYTES = 65_536
# of a body that goes on after its answer: a client should get to read why it was refused
LEFT_SECONDS = 5.0
LEFT_BYTES = 1_048_576
VERSIONS = frozenset({"1.0", "1.1"})


class _AmbiguousError(Exception):
    """Another server could read this request otherwise than we do."""


class Connection(HttpToolsProtocol):
    _in_head = True
    _framing = 0
    # the head ended in the bytes being read: what else is in them is not counted, at most one read
    _fresh = False
    # bytes of a body that came after its answer; None while nothing is left over
    _left: int | None = None
    # nothing more is read: what is being answered is the last
    _over = False
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._over or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if self._left is not None:
            self._left += len(data)
            if self._left > LEFT_BYTES:
                self.flow.pause_reading()  # until the deadline; closing now would lose the answer
        self._framing += len(data)
        self._fresh = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400, "Invalid HTTP request received.")
            return
        if self._framing > FRAMING_BYTES:
            self._refuse(
                431 if self._in_head else 400, "More than a request needs around its body."
            )
        elif self._in_head or (self._left is None and self.cycle.response_complete):
            self._expect(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._framing = True, 0

    def on_headers_complete(self) -> None:
        self._forget_deadline()
        # what was counted so far lacks the read in which it began, and may hold some of its body
        self._framing = sum(len(key) + len(value) + 4 for key, value in self.headers)
        self._fresh = True
        if self._framing > FRAMING_BYTES:
            return  # refused as soon as these bytes are read
        self._insist_on_one_meaning()
        self._in_head = False
        super().on_headers_complete()
        self.headers = []  # trailers come here, and count for nothing

    def on_body(self, body: bytes) -> None:
        if not self._fresh:
            self._framing -= len(body)
        if not self._in_head:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if self._left is not None:
            self._left = None
            self._forget_deadline()
        if not self._in_head:
            super().on_message_complete()

    def on_response_complete(self) -> None:
        if not self.pipeline and self.cycle.response_complete and self.cycle.more_body:
            self._left = 0
            self._expect(LEFT_SECONDS)
        super().on_response_complete()

    def _insist_on_one_meaning(self) -> None:
        version = self.parser.get_http_version()
        if version not in VERSIONS or self.parser.should_upgrade():
            raise _AmbiguousError
        host = b""
        for key, value in self.headers:
            if key == b"transfer-encoding" and (value.lower() != b"chunked" or version == "1.0"):
                raise _AmbiguousError
            if key == b"host":
                host = value
        if not self.url.startswith(b"/"):
            named = httptools.parse_url(self.url)
            port = b"" if named.port is None else b":%d" % named.port
            if (named.host or b"") + port != host:
                raise _AmbiguousError

    def _expect(self, seconds: float) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(seconds, self._too_slow)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        self._refuse(408, "The request did not arrive in time.")

    def _refuse(self, status: int, text: str) -> None:
        """Say why, unless something is being said; then read no more, and end the connection."""
        if self.transport.is_closing():
            return
        cycle, self._over = self.cycle, True
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:  # a whole request, which is answered before we part
                cycle.keep_alive = False
                return
            if self.pipeline or cycle.response_started:
                self.transport.close()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        if self._left is None:
            head = (
                b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n"
                b"connection: close\r\n\r\n" % len(text)
            )
            self.transport.write(STATUS_LINE[status] + head + text.encode("ascii"))
        self.transport.close()
