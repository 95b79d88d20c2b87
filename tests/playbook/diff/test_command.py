"""`python -m mcp_playbook.diff`: where both sides come from, what it prints, how it ends."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playbook.lint.sample import GOOD, SIBLING, bent, said
from playbook.shop import clone, pin, server

from mcp_playbook.diff.__main__ import CLEAN, FOUND, USAGE, main

NARROWER = bent("inputSchema.properties.limit.maximum", 20)
REWORDED = said("the oldest due date first", "the newest bill first")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one server, numbers, whose lock is committed."""
    clone(tmp_path, "numbers")
    server(tmp_path / "servers/numbers")
    for words in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=Ana", "-c", "user.email=ana@larkfield.example", "commit", "-qm", "First"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACK_ROOT", raising=False)
    return tmp_path


def repinned(here: Path, *tools: dict[str, Any]) -> None:
    pin(here / "servers/numbers", list(tools))


def test_a_lock_as_committed_has_not_changed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here
    assert main([]) == CLEAN
    assert "numbers: nothing changed" in capsys.readouterr().out


def test_what_breaks_fails_and_is_told_by_tool(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repinned(here, NARROWER, SIBLING)
    assert main(["numbers"]) == FOUND
    printed = capsys.readouterr().out
    assert "numbers: 1 breaking" in printed
    assert "  tool list_invoices\n    breaking    limit: maximum 50 → 20" in printed
    assert "breaking: calls that worked" in printed


def test_words_are_for_review_and_fail_only_when_any_change_does(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repinned(here, REWORDED, SIBLING)
    assert main([]) == CLEAN
    assert "[-oldest due date-] {+newest bill+}" in capsys.readouterr().out
    assert main(["--any"]) == FOUND


def test_a_program_reads_the_same(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repinned(here, NARROWER)
    assert main(["--json"]) == FOUND
    told = json.loads(capsys.readouterr().out)
    assert (told["before"], told["after"], told["breaking"]) == ("HEAD", "the lock", True)
    assert told["servers"]["numbers"] == [
        {
            "weight": "breaking",
            "subject": "tool list_invoices",
            "what": "maximum 50 → 20",
            "where": "limit",
        },
        {"weight": "breaking", "subject": "tool get_invoice", "what": "removed"},
    ]


def test_a_server_that_was_not_there_yet_is_all_new(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone_text = (here / "gateway/gateway.yaml").read_text("utf-8")
    (here / "gateway/gateway.yaml").write_text(f"{clone_text}  - billing\n", "utf-8")
    server(here / "servers/billing")
    assert main(["billing"]) == CLEAN
    assert "tool list_invoices\n    compatible  added: List invoices" in capsys.readouterr().out


def test_two_files_need_no_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, tool in (("old", GOOD), ("new", NARROWER)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"result": {"tools": [tool]}}), "utf-8")
    assert main(["--files", "old.json", "new.json"]) == FOUND
    assert "new: 1 breaking" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody"], "lists no 'nobody'"),
        (["--ref", "v9.9.9"], "v9.9.9: no such commit"),
        (["--ref", "--help"], "no such commit"),
        (["numbers", "--url", "http://127.0.0.1:9/mcp"], "http://127.0.0.1:9/mcp:"),
        (["--code"], "numbers: its code could not be asked: it has no stack.toml"),
        (["--files", "no.json", "none.json"], "no.json: No such file"),
    ],
)
def test_what_cannot_be_compared_is_said(
    here: Path, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert here
    if arguments[1:] == ["--help"]:
        arguments = ["--ref=--help"]
    assert main(arguments) == USAGE
    assert told in capsys.readouterr().err


def test_a_lock_that_is_none_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "servers/numbers/tools.lock.json").write_text("[", "utf-8")
    assert main([]) == USAGE
    assert "tools.lock.json" in capsys.readouterr().err
