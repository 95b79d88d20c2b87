"""The balancer as this repository configures it, before two servers that count what reaches them."""

import http.client
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from local.test_front import until_listening

from mcp_local import front, locked_tool
from mcp_local.place import find_root
from mcp_local.ports import free_port

NOTICED_SECONDS = 30.0
EVENT = b"data: {}\n\n"


@dataclass
class Inner:
    """One replica: what it is asked, and how it behaves."""

    healthy: bool = True
    dies: bool = False  # reads a whole request and closes without a word
    seen: list[str] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    more: threading.Event = field(default_factory=threading.Event)
    gone: threading.Event = field(default_factory=threading.Event)


def handler(inner: Inner) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(200 if inner.healthy else 503)
                return
            inner.seen.append(f"GET {self.path}")
            if inner.dies:
                self._die()
                return
            self._answer(200)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inner.seen.append(body.decode())
            inner.forwarded += self.headers.get_all("X-Forwarded-For") or []
            if inner.dies:
                self._die()
            elif self.path == "/stream":
                self._stream()
            elif self.path == "/slow":
                self._until_gone()
            else:
                self._answer(200)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def _die(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def _stream(self) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(EVENT)
            self.wfile.flush()
            inner.more.wait(10)
            self.wfile.write(EVENT)

        def _until_gone(self) -> None:
            self.connection.settimeout(10)
            if self.connection.recv(1) == b"":
                inner.gone.set()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@dataclass(frozen=True)
class Balanced:
    port: int
    inner: tuple[Inner, Inner]

    def ask(
        self, method: str = "POST", path: str = "/", body: str = "call", **headers: str
    ) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, body.encode() if method == "POST" else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    @property
    def seen(self) -> list[str]:
        return [one for inner in self.inner for one in inner.seen]


@pytest.fixture
def balanced() -> Iterator[Balanced]:
    root = find_root(Path(__file__).parent)
    try:
        program = locked_tool.ready(root, "caddy") / "bin" / "caddy"
    except locked_tool.ToolMissingError as error:
        pytest.skip(f"no Caddy: {error}")
    folder = root / ".run" / f"test-balancer-{os.getpid()}"
    inner = (Inner(), Inner())
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler(one)) for one in inner]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    port, health = free_port(), free_port()
    addresses = ",".join(f"http://127.0.0.1:{server.server_port}" for server in servers)
    front.prepare(folder, health, {f"http://localhost:{port}": addresses})
    process = subprocess.Popen(
        [program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until_listening(health)
        until_listening(port)
        yield Balanced(port, inner)
    finally:
        for one in inner:
            one.more.set()
        process.terminate()
        process.wait(15)
        for server in servers:
            server.shutdown()
            server.server_close()
        shutil.rmtree(folder)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + NOTICED_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}], ids=["plain", "with a key"])
def test_a_call_whose_replica_dies_fails_visibly_and_is_sent_to_nobody_else(
    balanced: Balanced, headers: dict[str, str]
) -> None:
    for one in balanced.inner:
        one.dies = True
    answers = [balanced.ask(body=f"call {number}", **headers) for number in range(3)]
    assert answers == [(502, b"")] * 3
    assert sorted(balanced.seen) == ["call 0", "call 1", "call 2"]


def test_a_page_that_was_asked_for_comes_from_the_other(balanced: Balanced) -> None:
    balanced.inner[0].dies = True
    assert [balanced.ask("GET", "/console")[0] for _ in range(10)] == [200] * 10


def test_a_call_goes_to_the_one_that_can_be_reached(balanced: Balanced) -> None:
    """Nothing was sent where no connection came about, so it is sent to the other one."""
    first, second = balanced.inner
    first.dies = True
    statuses = [balanced.ask(body=str(number))[0] for number in range(20)]
    assert statuses.count(502) <= 2, "at most until the first failure is noticed, and once after it"
    assert len(second.seen) >= 18
    assert len(balanced.seen) == 20


def test_one_that_says_it_leaves_is_asked_no_more(balanced: Balanced) -> None:
    first, second = balanced.inner
    until(lambda: balanced.ask()[0] == 200 and bool(first.seen) and bool(second.seen))
    first.healthy = False

    def left() -> bool:
        first.seen.clear()
        return [balanced.ask()[0] for _ in range(6)] == [200] * 6 and not first.seen

    begun = time.monotonic()
    until(left)
    assert time.monotonic() - begun < 3, "longer than a gateway stays"


def test_an_event_arrives_before_the_next_one_is_sent(balanced: Balanced) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", balanced.port, timeout=5)) as connection:
        connection.request("POST", "/stream", b"call")
        answer = connection.getresponse()
        assert answer.read(len(EVENT)) == EVENT
        for one in balanced.inner:
            one.more.set()
        assert answer.read() == EVENT


def test_a_replica_hears_that_a_client_has_gone(balanced: Balanced) -> None:
    with socket.create_connection(("127.0.0.1", balanced.port), timeout=5) as client:
        client.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\ncall")
        until(lambda: bool(balanced.seen))
    until(lambda: any(one.gone.is_set() for one in balanced.inner))


def test_one_proxy_is_counted_whatever_a_client_claims(balanced: Balanced) -> None:
    balanced.ask(**{"X-Forwarded-For": "203.0.113.7"})
    assert [one for inner in balanced.inner for one in inner.forwarded] == ["127.0.0.1"]
