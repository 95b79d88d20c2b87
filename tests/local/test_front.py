"""Caddy as this repository configures it, before a server that tells what it was asked."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mcp_local import front, locked_tool
from mcp_local.place import find_root
from mcp_local.ports import free_port
from mcp_local.trust import Authority

START_SECONDS = 60


class Told(BaseHTTPRequestHandler):
    """Answers with the headers it got."""

    def do_GET(self) -> None:
        body = json.dumps(list(self.headers.items())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@dataclass(frozen=True)
class Front:
    port: int
    health: int
    authority: Authority

    def get(self, **headers: str) -> dict[str, list[str]]:
        trusting = ssl.create_default_context(cafile=str(self.authority.certificate))
        connection = http.client.HTTPSConnection(
            "localhost", self.port, context=trusting, timeout=5
        )
        connection.request("GET", "/", headers=headers)
        found: dict[str, list[str]] = {}
        for name, value in json.loads(connection.getresponse().read()):
            found.setdefault(name.lower(), []).append(value)
        connection.close()
        return found


@pytest.fixture(scope="module")
def behind() -> Iterator[Front]:
    try:
        program = locked_tool.ready(find_root(Path(__file__).parent), "caddy") / "bin" / "caddy"
    except locked_tool.ToolMissingError as error:
        pytest.skip(f"no Caddy: {error}")
    folder = find_root(Path(__file__).parent) / ".run" / f"test-front {os.getpid()}"  # with a space
    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as inner:
        threading.Thread(target=inner.serve_forever, daemon=True).start()
        port, health = free_port(), free_port()
        front.prepare(
            folder, health, {f"https://localhost:{port}": f"http://127.0.0.1:{inner.server_port}"}
        )
        process = subprocess.Popen(
            [program, "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until_listening(health)
            yield Front(port, health, Authority(folder))
        finally:
            process.terminate()
            process.wait(10)
            inner.shutdown()
            shutil.rmtree(folder)


def until_listening(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_the_host_passes_unchanged_and_the_address_is_what_it_is(behind: Front) -> None:
    told = behind.get(**{"X-Forwarded-For": "203.0.113.7", "Authorization": "Bearer x"})
    assert told["host"] == [f"localhost:{behind.port}"]
    assert told["x-forwarded-for"] == ["127.0.0.1"], "what a client claims is not passed on"
    assert told["x-forwarded-proto"] == ["https"]
    assert told["authorization"] == ["Bearer x"]


def test_plain_http_on_the_tls_port_is_refused(behind: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", behind.port, timeout=5)
    connection.request("GET", "/", headers={"Host": f"localhost:{behind.port}"})
    answer = connection.getresponse()
    assert answer.status == 400
    assert b"HTTP request to an HTTPS server" in answer.read()
    connection.close()


def test_an_older_protocol_than_tls_1_2_is_refused(behind: Front) -> None:
    old = ssl.create_default_context(cafile=str(behind.authority.certificate))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", behind.port), timeout=5) as plain,
        pytest.raises(ssl.SSLError, match=r"(?i)protocol.version"),
    ):
        old.wrap_socket(plain, server_hostname="localhost")


def test_the_supervisors_question_is_answered_on_a_port_of_its_own(behind: Front) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", behind.health, timeout=5)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    connection.close()


def test_our_own_clients_trust_the_authority_beside_all_others(behind: Front) -> None:
    usual = ssl.create_default_context()
    ours = ssl.create_default_context(cafile=str(behind.authority.bundle))
    assert ours.cert_store_stats()["x509_ca"] == usual.cert_store_stats()["x509_ca"] + 1


def test_a_folder_that_caddy_cannot_name_is_said(tmp_path: Path) -> None:
    odd = tmp_path / "{env.HOME}"
    with pytest.raises(ValueError, match="cannot name a folder"):
        front.prepare(odd, 1, {"https://localhost:2": "http://127.0.0.1:3"})
