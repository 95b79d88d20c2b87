"""The Python index, asked through pip's own session: an index of our own on loopback."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mcp_playbook.vet.collect import pypi
from mcp_playbook.vet.collect.outcome import NoSuchPackageError, NotHadError
from mcp_playbook.vet.subject import Subject

SERVER = Subject("pypi", "ledger-server")
JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Index:
    port: int = 0
    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    kept = Index()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kept.asked.append((self.path, self.headers["Accept"]))
            page = kept.pages.get(self.path)
            self.send_response(404 if page is None else 200)
            self.send_header("Content-Type", JSON)
            self.end_headers()
            self.wfile.write(page if isinstance(page, bytes) else json.dumps(page).encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    kept.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("PIP_INDEX_URL", f"{kept.url}/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    kept.pages.update(whole(kept))
    yield kept
    server.shutdown()
    thread.join()
    server.server_close()


def row(version: str, time: str, *, yanked: bool = False, **more: Any) -> dict[str, Any]:
    name = f"ledger_server-{version}-py3-none-any.whl"
    return {
        "filename": name,
        "upload-time": time,
        "yanked": yanked,
        "url": f"/files/{name}",
        **more,
    }


def whole(index: Index) -> dict[str, Any]:
    """What an index of today answers."""
    provenance = f"{index.url}/integrity/ledger-server"
    rows = [
        row("0.9.0", "2025-01-01T00:00:00Z"),
        row("1.0.0", "2025-06-01T00:00:00Z", yanked=True),
        row("1.1.0", "2026-01-01T00:00:00Z", provenance=provenance),
        row("2.0.0rc1", "2026-02-01T00:00:00Z"),
    ]
    versions = ["0.9.0", "1.0.0", "1.1.0", "2.0.0rc1"]
    publisher = {"kind": "GitHub", "repository": "someone/ledger-server"}
    return {
        "/simple/ledger-server/": {
            "meta": {"api-version": "1.4"},
            "name": "ledger-server",
            "files": rows,
            "versions": versions,
            "project-status": {"status": "active"},
        },
        "/pypi/ledger-server/json": {
            "info": {
                "version": "1.1.0",
                "license_expression": "MIT",
                "description": "A server.\n<!-- mcp-name: io.github.someone/ledger-server -->",
                "project_urls": {
                    "Documentation": "https://docs.example.com/a/b",
                    "Source": "https://github.com/someone/ledger-server/tree/main/src/ledger",
                },
            },
            "urls": [{"url": f"{index.url}/files/x"}],
            "vulnerabilities": [],
        },
        "/integrity/ledger-server": {"attestation_bundles": [{"publisher": publisher}]},
    }


@pytest.fixture
def pages() -> dict[str, Any]:
    """The same answers, without an index to ask."""
    return whole(Index())


def read(
    pages: dict[str, Any], subject: Subject = SERVER
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """As the part that asks hands them on."""
    named = {
        "files": "/simple/ledger-server/",
        "about": "/pypi/ledger-server/json",
        "provenance": "/integrity/ledger-server",
    }
    found = {
        what: {"status": 200 if path in pages else 404, "body": pages.get(path)}
        for what, path in named.items()
    }
    entry, vulnerable = pypi.read(found, subject)
    return entry.data, vulnerable.data if vulnerable else None


def test_an_entry_is_read_through_pip_s_own_settings(index: Index) -> None:
    entry, vulnerable = pypi.collect(SERVER)
    data = entry.data
    assert (data["version"], data["licence"], data["status"]) == ("1.1.0", "MIT", "active")
    assert (data["repository"], data["directory"]) == (
        "https://github.com/someone/ledger-server",
        "src/ledger",
    )
    assert (data["attested"], data["publisher"]) == (True, "github.com/someone/ledger-server")
    assert data["mcp_name"] == "io.github.someone/ledger-server"
    assert [one["yanked"] for one in data["releases"]] == [False, True, False, False]
    assert vulnerable is not None
    assert vulnerable.data == {"complete": True, "found": []}
    assert ("/simple/ledger-server/", JSON) in index.asked
    assert str(index.port) not in json.dumps([data, entry.source]), "no index's address is kept"


def test_an_older_index_leaves_status_and_attestations_unknown(pages: dict[str, Any]) -> None:
    page = pages["/simple/ledger-server/"]
    page["meta"] = {"api-version": "1.1"}
    del page["project-status"]
    del pages["/integrity/ledger-server"]
    for one in page["files"]:
        one.pop("provenance", None)
    entry, vulnerable = read(pages)
    assert (entry["status"], entry["attested"]) == (None, None)
    assert vulnerable is not None
    assert not vulnerable["complete"]


def test_without_dates_releases_are_not_dated(pages: dict[str, Any]) -> None:
    for one in pages["/simple/ledger-server/"]["files"]:
        del one["upload-time"]
    assert read(pages)[0]["dated"] is False


def test_a_project_its_people_archived_says_so(pages: dict[str, Any]) -> None:
    pages["/simple/ledger-server/"]["project-status"] = {"status": "quarantined"}
    assert read(pages)[0]["status"] == "quarantined"


def test_an_index_without_the_project_s_own_json_still_gives_releases(
    pages: dict[str, Any],
) -> None:
    del pages["/pypi/ledger-server/json"]
    entry, vulnerable = read(pages)
    assert (entry["version"], entry["licence"], entry["repository"]) == ("1.1.0", None, None)
    assert vulnerable is None


def test_known_vulnerabilities_of_the_version_are_kept(pages: dict[str, Any]) -> None:
    known = [{"id": "PYSEC-1"}, {"id": "PYSEC-2", "withdrawn": "2026-01-01T00:00:00Z"}]
    pages["/pypi/ledger-server/json"]["vulnerabilities"] = known
    _, vulnerable = read(pages)
    assert vulnerable is not None
    assert vulnerable["found"] == [{"id": "PYSEC-1", "severity": None}]


def test_another_version_s_vulnerabilities_are_not_taken_for_this_one_s(
    pages: dict[str, Any],
) -> None:
    _, vulnerable = read(pages, Subject("pypi", "ledger-server", "0.9.0"))
    assert vulnerable is None


@pytest.mark.parametrize(
    "subject", [Subject("pypi", "no-such"), Subject("pypi", "ledger-server", "7")]
)
def test_a_name_or_version_the_index_lacks_is_nothing_to_audit(
    index: Index, subject: Subject
) -> None:
    with pytest.raises(NoSuchPackageError):
        pypi.collect(subject)


@pytest.mark.parametrize("page", [b"<html>"])
def test_an_index_without_json_is_said_to_be_one(index: Index, page: Any) -> None:
    index.pages["/simple/ledger-server/"] = page
    with pytest.raises(NotHadError, match="Simple API"):
        pypi.collect(SERVER)


def test_an_index_that_is_away_leaves_everything_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(NotHadError, match="could not ask its index") as raised:
        pypi.collect(SERVER)
    assert "http" not in str(raised.value)
