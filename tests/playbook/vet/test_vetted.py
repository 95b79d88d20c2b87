"""The committed reports: what the checklist reads, and that each still follows from its record."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playbook.vet.recorded import ROOT

from mcp_gateway.configuration.settings import Server
from mcp_playbook.vet import FOLDER, ReportError, foreign, reports, unvetted
from mcp_playbook.vet import record as records
from mcp_playbook.vet.audit import audit
from mcp_playbook.vet.verdict import WORDS, verdict

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OWN = [folder for folder in sorted((ROOT / FOLDER).iterdir()) if folder.is_dir()]


@pytest.mark.parametrize("folder", OWN, ids=lambda folder: folder.name)
def test_a_committed_report_follows_from_its_record(folder: Path) -> None:
    """A rule of lint may move it a little; beyond that: python -m mcp_playbook.vet --record FOLDER, see why."""
    told = reports(ROOT / FOLDER)[folder.name]
    found = audit(records.read(folder))
    assert told.verdict == verdict(found).word
    assert told.confidence == round(found.confidence, 2)
    assert told.date == found.date
    assert told.score == pytest.approx(found.score, abs=5)


def test_the_list_has_every_report_with_its_verdict() -> None:
    text = (ROOT / FOLDER / "README.md").read_text("utf-8")
    found = reports(ROOT / FOLDER)
    assert len(found) >= 4
    assert len({one.verdict for one in found.values()}) > 1
    for name, one in found.items():
        (row,) = (line for line in text.splitlines() if line.startswith(f"| [{name}]"))
        assert (
            f"| {one.verdict} | {one.score:.0f} | {one.confidence:.2f} | {one.date:%Y-%m-%d} |"
            in row
        )
        assert one.verdict in WORDS


def test_records_name_no_person_and_no_machine() -> None:
    for file in (ROOT / FOLDER).rglob("*.json"):
        text = file.read_text("utf-8")
        assert not re.search(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", text), file
        assert str(ROOT) not in text, file
        assert "/tmp/vet" not in text, file


def report(folder: Path, name: str, *, verdict: str = "production", days: int = 1) -> None:
    place = folder / FOLDER / name
    place.mkdir(parents=True)
    date = (NOW - timedelta(days=days)).isoformat()
    told = {
        "name": name,
        "subject": f"npm:{name}",
        "verdict": verdict,
        "date": date,
        "score": 80,
        "confidence": 0.8,
    }
    (place / "report.json").write_text(json.dumps(told))


def owners(folder: Path, text: str) -> None:
    (folder / "playbook").mkdir(exist_ok=True)
    (folder / "playbook" / "owners.toml").write_text(text)


def server(name: str, folder: Path) -> Server:
    return Server(name=name, folder=folder, resource=f"http://{name}.internal/mcp")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "kit" / "servers").mkdir(parents=True)
    return tmp_path / "kit"


def test_servers_of_this_repository_need_no_report(root: Path) -> None:
    listed = [server("crm", root / "servers" / "crm")]
    assert unvetted(listed, root, now=NOW) == []
    assert foreign(listed, root) == []


def test_a_folder_outside_needs_a_word_about_whose_it_is(root: Path, tmp_path: Path) -> None:
    listed = [server("tickets", tmp_path / "tickets")]
    (line,) = unvetted(listed, root, now=NOW)
    assert "tickets lies outside" in line
    owners(root, "[servers.tickets]\nvendor = false\n")
    assert unvetted(listed, root, now=NOW) == []
    assert foreign(listed, root) == []


@pytest.mark.parametrize(
    ("made", "word"),
    [
        ({}, ""),
        ({"days": 90}, ""),
        ({"days": 91}, "91 days old"),
        ({"verdict": "reject"}, "rejected"),
        ({"verdict": "pilot in a sandbox"}, ""),
        (None, "has no report"),
    ],
)
def test_a_wrapped_server_needs_a_young_report_that_does_not_reject(
    root: Path, made: dict[str, object] | None, word: str
) -> None:
    """Also when its wrapper lies in this repository."""
    listed = [server("tickets", root / "servers" / "tickets")]
    owners(root, '[servers.tickets]\nvendor = "mcp-tickets"\n')
    if made is not None:
        report(root, "mcp-tickets", **made)  # type: ignore[arg-type]
    assert word in " ".join(unvetted(listed, root, now=NOW))
    assert bool(unvetted(listed, root, now=NOW)) == bool(word)
    assert foreign(listed, root) == ["tickets"]


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"name": "x"}', '{"name": 1, "subject": "", "verdict": "", "date": null}']
)
def test_a_report_that_cannot_be_read_is_named(root: Path, text: str) -> None:
    report(root, "mcp-tickets")
    (root / FOLDER / "mcp-tickets" / "report.json").write_text(text)
    with pytest.raises(ReportError, match="mcp-tickets"):
        reports(root / FOLDER)


@pytest.mark.parametrize(
    "text", ["[servers.x]\nvendor = true\n", '[servers.x]\nvendor = ""\n', "servers = ["]
)
def test_an_owners_file_that_is_unclear_is_named(root: Path, text: str) -> None:
    owners(root, text)
    with pytest.raises(ReportError, match=r"owners\.toml"):
        unvetted([server("x", root / "servers" / "x")], root, now=NOW)
