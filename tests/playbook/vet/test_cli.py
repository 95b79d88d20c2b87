"""The command: what it is given, what it writes, and how it says that it was given nonsense."""

import json
from pathlib import Path

import pytest
from playbook.vet.history import commit, git, repository
from playbook.vet.recorded import NOW, ROOT, good, lock, only, registry, tasks

from mcp_playbook.vet import record as records
from mcp_playbook.vet import reports
from mcp_playbook.vet.cli import main
from mcp_playbook.vet.record import Record, Source


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    records.save(good(), tmp_path / "ledger-server")
    return tmp_path / "ledger-server"


def test_a_report_says_points_sources_times_and_reasons(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(recorded)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("pypi:ledger-server==2.4.0: production (score ")
    for word in (
        "19 of 20 completed",
        "[recorded, 2026-06-01]",
        "Excludes whatever the sum",
        "Why",
    ):
        assert word in out


def test_markdown_and_json_are_written_where_asked(recorded: Path, tmp_path: Path) -> None:
    out = [tmp_path / "reports" / name for name in ("r.md", "r.json")]
    assert main(["--record", str(recorded), "--out", str(out[0]), "--out", str(out[1])]) == 0
    assert out[0].read_text().startswith("# ledger-server\n")
    report = json.loads(out[1].read_text())
    assert {"name", "verdict", "date", "score", "confidence"} <= report.keys()
    assert report["name"] == "ledger-server"


def test_words_of_others_are_no_markup_in_a_report(tmp_path: Path) -> None:
    licence = "MIT](javascript:x) | <b>`x`"
    records.save(only(registry=registry(licence=licence)), tmp_path / "one")
    main(["--record", str(tmp_path / "one"), "--out", str(tmp_path / "r.md")])
    (row,) = (line for line in (tmp_path / "r.md").read_text().splitlines() if "javascript" in line)
    assert row.count(" | ") == 3
    assert "\\<b\\>\\`x\\`" in row
    assert "\\](javascript" in row


def test_an_offline_run_with_a_tasks_file_changes_what_is_known(
    recorded: Path, tmp_path: Path
) -> None:
    (tmp_path / "tasks.json").write_text(json.dumps({**tasks(5, 20), "ran": NOW.isoformat()}))
    main(
        [
            "--record",
            str(recorded),
            "--tasks",
            str(tmp_path / "tasks.json"),
            "--out",
            str(tmp_path / "r.json"),
        ]
    )
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "reject"


def test_a_clone_and_lock_files_are_audited_and_saved(tmp_path: Path) -> None:
    folder = repository(tmp_path / "ours")
    (folder / "pyproject.toml").write_text('[project]\nname = "our-server"\n')
    commit(folder, NOW)
    git(folder, "remote", "add", "origin", "https://github.com/someone/ours")
    kept = tmp_path / "vetted" / "ours"
    words = [
        str(folder),
        "--fetched",
        NOW.isoformat(),
        "--tools",
        str(ROOT / "servers/crm/tools.lock.json"),
    ]
    assert main([*words, "--record", str(kept), "--save"]) == 0
    assert {file.name for file in kept.iterdir()} == {
        "subject.json", "clone.json", "tools.json", "report.json", "report.md",
    }  # fmt: skip
    assert records.read(kept).subject.name == "our-server"
    assert str(tmp_path) not in "".join(file.read_text() for file in kept.iterdir()), (
        "no path of this machine"
    )
    assert reports(tmp_path / "vetted")["ours"].verdict == "pilot in a sandbox"


def test_without_texts_the_audit_is_the_same(tmp_path: Path) -> None:
    server = lock()
    server["tools"][0] = {**server["tools"][0], "description": "Look.\u200b Words of theirs."}
    record = good(tools={"servers": [server]})
    for name in ("with", "without"):
        records.save(record, tmp_path / name)
    main(["--record", str(tmp_path / "with"), "--out", str(tmp_path / "with.json")])
    main(
        [
            "--record",
            str(tmp_path / "without"),
            "--no-texts",
            "--out",
            str(tmp_path / "without.json"),
        ]
    )
    one, other = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("with", "without")
    )
    assert one["exclusions"] == other["exclusions"]
    assert one["score"] == pytest.approx(other["score"], abs=0.1)
    assert one["verdict"] == other["verdict"] == "reject"


def test_a_record_without_texts_holds_none(tmp_path: Path) -> None:
    from mcp_playbook.vet.quoting import unquoted

    server = lock()
    told = json.dumps(unquoted(good(tools={"servers": [server]})).sources["tools"].data)
    assert server["tools"][0]["description"][:40] not in told
    assert server["tools"][0]["name"] in told


def test_what_was_learned_about_one_version_is_not_kept_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp_playbook.vet.collect import pypi

    records.save(good(), tmp_path / "ledger-server")
    entry = Source(registry(version="2.5.0"), "index", NOW)
    monkeypatch.setattr(pypi, "collect", lambda _: (entry, None))
    assert (
        main(["pypi:ledger-server==2.5.0", "--record", str(tmp_path / "ledger-server"), "--save"])
        == 0
    )
    report = json.loads((tmp_path / "ledger-server" / "report.json").read_text())
    assert report["subject"] == "pypi:ledger-server==2.5.0"
    assert {one["name"]: one["known"] for one in report["signals"]}["completion on your tasks"] == 0
    again = records.read(tmp_path / "ledger-server")
    assert again.sources.keys() == good("tasks", "tools", "osv").sources.keys(), "nor in the folder"


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ([], "Nothing to audit"),
        (["gem:x"], "none of"),
        (["--record", "nowhere"], "--save"),
        (["npm:--force"], "no npm package name"),
        (["--record", "{record}", "--add", "osv"], "--add"),
        (["--record", "{record}", "--add", "osv=nowhere.json"], "nowhere.json"),
        (["--record", "{record}", "--env", "X"], "NAME=VALUE"),
        (["npm:other", "--record", "{record}"], "was asked for"),
        (["pypi:ledger-server==9", "--record", "{record}"], "was asked for"),
        (["--record", "{record}", "--clone", "{record}"], "no git repository"),
    ],
)
def test_nonsense_is_said_to_be_some(
    recorded: Path, capsys: pytest.CaptureFixture[str], words: list[str], word: str
) -> None:
    assert main([one.format(record=recorded) for one in words]) == 2
    assert word in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["npm:x", "--save"], ["npm:x", "--out", "report.pdf"], ["--nonsense"]]
)
def test_options_that_do_not_fit_together_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2


def test_missing_sources_are_in_the_report_with_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = only(registry=registry())
    records.save(
        Record(record.subject, record.sources, {"tools": "the server ended with code 1"}),
        tmp_path / "a",
    )
    main(["--record", str(tmp_path / "a")])
    assert "the server ended with code 1" in capsys.readouterr().out
