"""An MCP registry's answer. Made by hand after the documented shape: no public registry was reached."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mcp_playbook.vet.collect import mcp_registry
from mcp_playbook.vet.collect.outcome import NotHadError

NAME = "io.github.someone/ledger-server"
META = "io.modelcontextprotocol.registry/official"


def entry(
    name: str = NAME, version: str = "2.4.0", *, latest: bool = True, status: str = "active"
) -> dict[str, Any]:
    server = {
        "name": name,
        "description": "Ledgers.",
        "version": version,
        "repository": {"url": "https://github.com/someone/ledger-server", "source": "github"},
        "packages": [{"registryType": "pypi", "identifier": "ledger-server", "version": version}],
    }
    meta = {"status": status, "publishedAt": "2026-05-01T00:00:00Z", "isLatest": latest}
    return {"server": server, "_meta": {META: meta}}


ANSWER = {
    "servers": [
        entry(version="2.3.0", latest=False),
        entry(),
        entry(name=NAME + "-fork", status="deleted"),
    ],
    "metadata": {"count": 3},
}


def test_the_latest_entry_of_exactly_this_name_is_taken() -> None:
    found = mcp_registry.reduced(ANSWER, NAME)
    assert (found["name"], found["version"], found["status"]) == (NAME, "2.4.0", "active")
    assert found["packages"] == ["ledger-server"]
    assert found["repository"] == "https://github.com/someone/ledger-server"


@pytest.mark.parametrize(
    "answer", [{"servers": []}, {"servers": [entry(name="io.github.other/x")]}]
)
def test_a_name_that_is_not_listed_is_said_to_be_missing(answer: Any) -> None:
    with pytest.raises(NotHadError, match="lists no"):
        mcp_registry.reduced(answer, NAME)


@pytest.mark.parametrize(
    "answer", [{}, {"servers": [{}]}, {"servers": [{"server": {"name": NAME}}]}, []]
)
def test_an_answer_of_another_shape_is_said_to_be_one(answer: Any) -> None:
    with pytest.raises(NotHadError, match="shape"):
        mcp_registry.reduced(answer, NAME)


@pytest.fixture
def registry() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path.startswith("/v0.1/servers?") else 503)
            self.end_headers()
            self.wfile.write(json.dumps(ANSWER).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_documented_address_is_asked(registry: tuple[str, list[str]]) -> None:
    url, asked = registry
    found = mcp_registry.collect(url + "/", NAME)
    assert found.data["name"] == NAME
    assert asked == ["/v0.1/servers?search=io.github.someone%2Fledger-server&version=latest"]


def test_a_registry_that_fails_is_unknown(registry: tuple[str, list[str]]) -> None:
    with pytest.raises(NotHadError, match="503"):
        mcp_registry.collect(registry[0] + "/elsewhere", NAME)
    with pytest.raises(NotHadError, match="cannot be asked"):
        mcp_registry.collect("http://127.0.0.1:9", NAME)
