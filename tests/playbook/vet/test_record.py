"""A record folder: written once, read without a connection, the same report every time."""

import asyncio
import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playbook.vet.recorded import NOW, good

from mcp_playbook.vet import record as records
from mcp_playbook.vet.cli import main
from mcp_playbook.vet.record import Record, RecordError


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any attempt to leave this process fails the test, also by starting another one."""

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("a connection or a process was asked for")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr("subprocess.Popen.__init__", refused)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", refused)


def test_what_was_saved_is_what_is_read(tmp_path: Path) -> None:
    records.save(good(), tmp_path / "one")
    assert records.read(tmp_path / "one") == good()


def test_why_something_is_missing_is_kept(tmp_path: Path) -> None:
    found = Record(good().subject, {}, {"tools": "the server ended with code 1"})
    records.save(found, tmp_path / "one")
    assert records.read(tmp_path / "one").missing == found.missing


@pytest.mark.usefixtures("no_connection")
def test_an_offline_run_asks_nobody_and_repeats_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records.save(good(), tmp_path / "one")
    outs = [tmp_path / f"{n}.json" for n in (1, 2)]
    for out in outs:
        assert main(["--record", str(tmp_path / "one"), "--out", str(out)]) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert "production" in capsys.readouterr().out


@pytest.mark.usefixtures("no_connection")
def test_a_live_run_would_have_asked(tmp_path: Path) -> None:
    """The fixture above is a trap that works."""
    with pytest.raises(AssertionError, match="was asked for"):
        main(["pypi:ledger-server", "--record", str(tmp_path / "one"), "--save"])


@pytest.mark.usefixtures("no_connection")
def test_an_old_record_gives_the_report_it_gave_then(tmp_path: Path) -> None:
    """Compared with the time of the fetch: a record does not rot while it lies there."""
    records.save(good(), tmp_path / "one")
    main(["--record", str(tmp_path / "one"), "--out", str(tmp_path / "r.json")])
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["date"] == "2026-06-01T12:00:00Z"
    assert report["verdict"] == "production"


def test_the_date_is_that_of_the_oldest_source() -> None:
    record = good()
    old = records.Source(record.sources["tasks"].data, "own", NOW - timedelta(days=80))
    assert Record(record.subject, {**record.sources, "tasks": old}).date == NOW - timedelta(days=80)


def test_invisible_characters_are_written_by_number(tmp_path: Path) -> None:
    record = good(
        tools={"servers": [{"name": "x", "tools": [{"name": "a", "description": "b\u200bc"}]}]}
    )
    records.save(record, tmp_path)
    assert "\\u200b" in (tmp_path / "tools.json").read_text()
    assert records.read(tmp_path).sources["tools"].data == record.sources["tools"].data


@pytest.mark.parametrize(
    ("file", "content", "word"),
    [
        ("subject.json", "{", "subject.json"),
        ("subject.json", '{"kind": "gem", "name": "x"}', "kind"),
        ("osv.json", "[]", "osv.json"),
        ("osv.json", '{"source": "x", "fetched": "yesterday", "data": {}}', "yesterday"),
        ("osv.json", '{"source": "x", "fetched": "2026-01-01T00:00:00", "data": {}}', "zone"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, file: str, content: str, word: str
) -> None:
    records.save(good(), tmp_path)
    (tmp_path / file).write_text(content)
    with pytest.raises(RecordError, match=word):
        records.read(tmp_path)


def test_a_folder_without_a_record_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="--save"):
        records.read(tmp_path)
