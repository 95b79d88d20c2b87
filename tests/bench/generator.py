"""Open loop: calls fall due at a fixed rate, whether or not earlier ones were answered.

    python -m bench.generator PORT REQUEST_FILE RATE SECONDS CONNECTIONS

Latency counts from the moment a call was due, so that a server that stalls cannot hide those who
would have come meanwhile. A call that finds every connection busy waits for one, and its waiting
counts. One plain thread on select(): it wakes to the microsecond, where event loops wake to the
millisecond. How fast it can be is measured, by sending to the upstream itself.
"""

import json
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from bench import asking
from bench.figures import percentile

DRAIN_SECONDS = 8.0
WAKE_EARLY = 0.00005  # seconds that select() is late by


@dataclass
class Connection:
    socket: socket.socket
    due: float = 0.0
    got: bytes = b""

    def answered(self) -> bool:
        """Whether the whole answer is there."""
        head, found, body = self.got.partition(b"\r\n\r\n")
        if not found:
            return False
        lower = head.lower()
        if b"chunked" in lower:
            return body.endswith(b"0\r\n\r\n")
        length = int(lower.partition(b"content-length:")[2].split(b"\r", 1)[0])
        return len(body) >= length


class Generator:
    def __init__(self, port: int, request: bytes, connections: int) -> None:
        self._request = request
        self._port = port
        self._idle = [self._connected() for _ in range(connections)]
        self._busy: dict[socket.socket, Connection] = {}
        self._waiting: deque[float] = deque()
        self._count = time.time_ns() // 1_000_000 % 800_000_000_000 + 100_000_000_000
        self.took: list[float] = []
        self.failed = 0
        self.last = 0.0

    def _connected(self) -> Connection:
        made = socket.create_connection(("127.0.0.1", self._port), timeout=5)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.setblocking(False)
        return Connection(made)

    def run(self, rate: float, seconds: float) -> None:
        begun = time.perf_counter()
        total, sent = int(rate * seconds), 0
        end = begun + seconds + DRAIN_SECONDS
        while len(self.took) + self.failed < total and (now := time.perf_counter()) < end:
            while sent < total and begun + sent / rate <= now:
                self._waiting.append(begun + sent / rate)
                sent += 1
            while self._waiting and self._idle:
                self._send(self._waiting.popleft())
            next_due = begun + sent / rate if sent < total else end
            wait = max(0.0, next_due - time.perf_counter() - WAKE_EARLY)
            for one in select.select(list(self._busy), [], [], wait)[0]:
                self._receive(self._busy[one])

    def _send(self, due: float) -> None:
        self._count += 1
        one = self._idle.pop()
        one.due, one.got = due, b""
        number = 100_000 + self._count % 900_000
        one.socket.send(asking.filled(self._request, self._count, number))
        self._busy[one.socket] = one

    def _receive(self, one: Connection) -> None:
        try:
            data = one.socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        one.got += data
        if data and not one.answered():
            return
        del self._busy[one.socket]
        self.last = time.perf_counter()
        if data and one.got.startswith(b"HTTP/1.1 200") and b'"isError":false' in one.got:
            self.took.append(self.last - one.due)
        else:
            self.failed += 1
        if data:
            self._idle.append(one)
        else:
            one.socket.close()
            self._idle.append(self._connected())


def main() -> None:
    port, file, rate, seconds, connections = sys.argv[1:]
    made = Generator(int(port), Path(file).read_bytes(), int(connections))
    begun = time.perf_counter()
    made.run(float(rate), float(seconds))
    took = sorted(made.took) or [0.0]
    figures = {
        "answered": len(made.took),
        "failed": made.failed,
        "unanswered": int(float(rate) * float(seconds)) - len(made.took) - made.failed,
        "seconds": max(made.last - begun, float(seconds)),
        **{f"p{part}": percentile(took, part / 100) * 1000 for part in (50, 90, 99)},
        "max": took[-1] * 1000,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
