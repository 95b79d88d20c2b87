"""A collector that a drill can break: takes OTLP over HTTP and counts what arrives."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from mcp_local.ports import free_port


@dataclass
class Collector:
    """`received` counts requests by path; `hangs` lets them wait without an answer."""

    port: int = field(default_factory=free_port)
    received: Counter[str] = field(default_factory=Counter)
    hangs: bool = False
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        own = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                own.received[self.path] += 1
                if own.hangs:
                    own.go_on.wait()
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                with contextlib.suppress(OSError):  # the exporter has given up
                    self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """An exporter that went away is no error of ours."""

        self.go_on.clear()
        with Server(("127.0.0.1", self.port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield
            finally:
                self.go_on.set()
                server.shutdown()
                thread.join()
