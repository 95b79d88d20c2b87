"""A process whose collector is there, gone, or hangs: it ends soon, and says so once."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mcp_shared import logs

# a server in small: what it does between SIGTERM and its end is what uvicorn does
PROGRAM = """
import logging, time
from opentelemetry import metrics, trace
from mcp_shared import logs, telemetry
logs.setup("small")
telemetry.setup("small")
counter = metrics.get_meter("x").create_counter("calls")
tracer = trace.get_tracer("x")
slowest = 0.0
print("started", flush=True)
try:
    while True:
        begun = time.perf_counter()
        with tracer.start_as_current_span("call"):
            counter.add(1)
        slowest = max(slowest, time.perf_counter() - begun)
        time.sleep(0.005)
finally:
    print("slowest", slowest, flush=True)
"""


def run(
    endpoint: str, seconds: float, more: Mapping[str, str] | None = None
) -> tuple[float, str, str]:
    """How long it took to end after so many seconds, its stdout and its stderr."""
    env = {
        **os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "1.5",
        "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "100", **(more or {}),
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        time.sleep(seconds)
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        return time.monotonic() - begun, out, err


@contextmanager
def taking() -> Iterator[tuple[str, list[str]]]:
    """A collector that takes everything, and the paths it was sent to."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            paths.append(self.path)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


def test_what_is_queued_when_a_process_is_told_to_end_still_arrives() -> None:
    late = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
    with taking() as (endpoint, paths):
        run(endpoint, 0.1, late)
    assert sorted(set(paths)) == ["/v1/metrics", "/v1/traces"]


@pytest.mark.parametrize("hangs", [False, True], ids=["gone", "hanging"])
def test_a_collector_that_is_away_delays_nothing_and_fills_no_log(hangs: bool) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if hangs:
            listening.listen(64)  # connections are taken, and never answered
        ended, out, err = run(f"http://127.0.0.1:{listening.getsockname()[1]}", 2)
    assert ended < 15
    slowest = float(out.split()[-1])
    assert slowest < 1, "a call waited for an export"
    lines = [line for line in err.splitlines() if "opentelemetry" in line]
    assert 1 <= len(lines) <= 4, err  # of each exporter, at each level, one in five minutes
    assert "Traceback" not in err


def test_an_exporter_says_each_kind_of_thing_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import logging

    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    seldom = logs.Seldom(300)

    def passes(name: str, level: int = logging.ERROR) -> bool:
        return seldom.filter(logging.LogRecord(name, level, "x", 1, "gone", None, None))

    assert passes("opentelemetry.exporter.traces")
    assert not passes("opentelemetry.exporter.traces")
    assert passes("opentelemetry.exporter.traces", logging.WARNING)
    assert passes("opentelemetry.exporter.metrics")
    assert passes("mcp_gateway.door.edge")
    assert passes("mcp_gateway.door.edge")
    now[0] += 301
    assert passes("opentelemetry.exporter.traces")
