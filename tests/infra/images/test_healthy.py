"""The question that a container engine asks of a room."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from in_image import healthy
from mcp_local.ports import free_port


class Room(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response({"/healthz": 200, "/readyz": 503}.get(self.path, 404))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the library
        pass


@pytest.fixture
def room() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Room)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"GATEWAY_HOST": "gateway-1.internal", "GATEWAY_PORT": "8080"}, "http://gateway-1.internal:8080/readyz"),
        ({"MCP_HOST": "crm.internal", "MCP_PORT": "8000"}, "http://crm.internal:8000/healthz"),
        ({"HOST": "0.0.0.0", "PORT": "8090"}, "http://127.0.0.1:8090/healthz"),
        ({"PORT": "8090"}, "http://127.0.0.1:8090/healthz"),
        ({"HOST": "crm"}, None),
    ],
)  # fmt: skip
def test_it_asks_where_the_room_was_told_to_listen(
    environ: dict[str, str], url: str | None
) -> None:
    assert healthy.address(environ) == url


def ask(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["healthy", *arguments])
    return healthy.main()


def test_well_is_0_and_anything_else_is_1(
    room: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask(monkeypatch, f"http://127.0.0.1:{room}/healthz") == 0
    assert capsys.readouterr().err == ""
    assert ask(monkeypatch, f"http://127.0.0.1:{room}/readyz") == 1
    assert "503" in capsys.readouterr().err


def test_silence_is_1(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(monkeypatch, f"http://127.0.0.1:{free_port()}/healthz") == 1


def test_a_proxy_of_the_environment_is_not_asked(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask(monkeypatch, f"http://127.0.0.1:{room}/healthz") == 0


def test_nothing_to_ask_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    for host, port, _ in healthy.PLACES:
        monkeypatch.delenv(host, raising=False)
        monkeypatch.delenv(port, raising=False)
    assert ask(monkeypatch) == 1
