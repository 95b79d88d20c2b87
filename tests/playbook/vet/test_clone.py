"""What a clone says, on repositories made here: days, people, bots, and how old the clone is."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playbook.vet.history import ANA, BEN, BOTS, commit, git, repository
from playbook.vet.recorded import NOW, good

from mcp_playbook.vet.collect import clone
from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.record import Record
from mcp_playbook.vet.signals import commits


def points(found: object) -> float:
    record = good()
    return commits.signal(Record(record.subject, {**record.sources, "clone": found})).points  # type: ignore[dict-item]


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """Thirteen days of work by two people, and bots on many more."""
    folder = repository(tmp_path / "upstream")
    for n in range(40, 0, -1):
        commit(folder, NOW - timedelta(days=n), by=BOTS[n % 3])
        if n % 3 == 0:
            commit(folder, NOW - timedelta(days=n), by=ANA if n % 2 else BEN)
            commit(folder, NOW - timedelta(days=n, hours=1), by=ANA)
    return folder


def test_days_of_people_are_counted_and_bots_are_not(busy: Path) -> None:
    found = clone.collect(busy, fetched=NOW)
    assert len(found.data["days"]) == 13
    assert sum(day["commits"] for day in found.data["days"]) == 26
    assert {author for day in found.data["days"] for author in day["authors"]} == {1, 2}
    assert points(found) == 20
    assert "larkfield" not in json.dumps(found.data), "nobody's address is kept"


def test_a_repository_of_bots_alone_has_no_days(tmp_path: Path) -> None:
    folder = repository(tmp_path / "bots")
    for n in range(20):
        commit(folder, NOW - timedelta(days=20 - n), by=BOTS[n % 3])
    assert points(clone.collect(folder, fetched=NOW)) == 0


def test_somebody_called_abbot_is_a_person(tmp_path: Path) -> None:
    folder = repository(tmp_path / "one")
    commit(folder, NOW - timedelta(days=1), by=("Abbot Talbot", "abbot@larkfield.example"))
    assert len(clone.collect(folder, fetched=NOW).data["days"]) == 1


def test_a_clone_is_compared_with_its_fetch_and_not_with_today(busy: Path, tmp_path: Path) -> None:
    """Cloned when it was busy, looked at a year later: the same points."""
    git(tmp_path, "clone", "-q", str(busy), "old", at=NOW)
    found = clone.collect(tmp_path / "old")
    assert found.fetched == NOW
    assert points(found) == 20


def test_a_later_fetch_makes_the_clone_younger(busy: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(busy), "copy", at=NOW - timedelta(days=300))
    git(tmp_path / "copy", "fetch", "-q")
    later = NOW - timedelta(days=2)
    os.utime(tmp_path / "copy/.git/FETCH_HEAD", (later.timestamp(), later.timestamp()))
    assert clone.collect(tmp_path / "copy").fetched == later


def test_a_clone_whose_age_git_lost_is_not_guessed(busy: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(busy), "copy")
    for log in (tmp_path / "copy/.git/logs").rglob("*"):
        if log.is_file():
            log.unlink()
    with pytest.raises(NotHadError, match="--fetched"):
        clone.collect(tmp_path / "copy")
    assert points(clone.collect(tmp_path / "copy", fetched=NOW)) == 20


def test_a_repository_without_a_remote_is_as_old_as_now(busy: Path) -> None:
    found = clone.collect(busy)
    assert datetime.now(UTC) - found.fetched < timedelta(minutes=1)
    assert found.data["origin"] is None


def test_commits_dated_after_the_fetch_do_not_count(tmp_path: Path) -> None:
    folder = repository(tmp_path / "future")
    for n in range(20):
        commit(folder, NOW + timedelta(days=n + 1))
    assert points(clone.collect(folder, fetched=NOW)) == 0


def test_a_package_that_is_one_folder_of_many_is_looked_at_alone(tmp_path: Path) -> None:
    folder = repository(tmp_path / "many")
    for n in range(20, 0, -1):
        commit(folder, NOW - timedelta(days=n), file="src/other/x")
    commit(folder, NOW - timedelta(days=1), file="src/one/x")
    assert points(clone.collect(folder, fetched=NOW)) == 20
    assert points(clone.collect(folder, path="src/one", fetched=NOW)) == 8


def test_a_shallow_clone_says_where_it_begins(busy: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "5", f"file://{busy}", "shallow", at=NOW)
    found = clone.collect(tmp_path / "shallow")
    assert found.data["shallow_since"] is not None
    record = good()
    signal = commits.signal(Record(record.subject, {**record.sources, "clone": found}))
    assert signal.known == 0


def test_origin_names_licence_and_policy_are_read(tmp_path: Path) -> None:
    folder = repository(tmp_path / "server")
    git(folder, "remote", "add", "origin", "git@github.com:Someone/Server.git")
    (folder / "pyproject.toml").write_text('[project]\nname = "Some.Server"\n')
    (folder / "package.json").write_text('{"name": "@someone/server"}')
    (folder / "LICENSE").write_text("MIT License\n\nCopyright (c) 2026")
    (folder / "SECURITY.md").write_text("Write to us.\n")
    data = clone.collect(folder, fetched=NOW).data
    assert data["origin"] == "github.com/someone/server"
    assert data["names"] == ["@someone/server", "some-server"]
    assert (data["licence"], data["security_policy"]) == ("MIT", True)


def test_a_manifest_that_is_broken_breaks_nothing(tmp_path: Path) -> None:
    folder = repository(tmp_path / "server")
    (folder / "package.json").write_text("[1, 2")
    (folder / "pyproject.toml").write_text("name =")
    assert clone.collect(folder, fetched=NOW).data["names"] == []


def test_nothing_that_the_clone_s_own_settings_name_is_run(busy: Path, tmp_path: Path) -> None:
    """A folder that somebody handed over may carry a .git/config of theirs."""
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    for setting in ("core.fsmonitor", "gpg.program", "core.pager", "core.sshCommand"):
        git(busy, "config", setting, str(trap))
    git(busy, "config", "log.showSignature", "true")
    clone.collect(busy, fetched=NOW)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_that_is_no_repository_is_said_to_be_none(tmp_path: Path) -> None:
    with pytest.raises(NotHadError, match="no git repository"):
        clone.collect(tmp_path)
