"""Lint and selection read the lock: that the code serves something else by now is said, and fails."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from architecture.tree import ROOT, listed
from playbook.lint.sample import GOOD, SIBLING, bent
from playbook.shop import ASKED, clone, server

from mcp_playbook.lint import __main__ as lint
from mcp_playbook.lint.served import Compared, compare, told
from mcp_playbook.selection import __main__ as selection

SAYS = "import sys; assert sys.argv[1:] == ['--definitions']; print(open('served.json').read())"
LONG_AGO = (1_000_000_000, 1_000_000_000)
CHANGED = bent("title", "List bills")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server whose code is written after its lock and serves what served.json says."""
    clone(tmp_path, "billing")
    made = server(tmp_path / "servers/billing", ASKED)
    (made / "code.py").write_text(SAYS, "utf-8")
    command = 'command = ["{python}", "{folder}/code.py"]'
    (made / "stack.toml").write_text(f"[process]\n{command}\n", "utf-8")
    os.utime(made / "tools.lock.json", LONG_AGO)
    serve(tmp_path, GOOD, SIBLING)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STACK_ROOT", raising=False)
    return made


def serve(root: Path, *tools: dict[str, Any]) -> None:
    (root / "served.json").write_text(json.dumps({"tools": tools}), "utf-8")


def test_a_server_of_ours_serves_what_its_lock_pins(tmp_path: Path) -> None:
    for name in ("stack.toml", "tools.lock.json"):
        shutil.copyfile(listed()["docs"] / name, tmp_path / name)
    os.utime(tmp_path / "tools.lock.json", LONG_AGO)
    (tmp_path / "newer.py").touch()
    [one] = compare(ROOT, {"docs": tmp_path})
    assert (list(one.changed), one.trouble) == ([], "")


@pytest.mark.usefixtures("folder")
def test_code_that_serves_the_lock_is_not_worth_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main(["billing"]) == lint.CLEAN
    assert selection.main(["billing"]) == selection.PASSED
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", [lint.main, selection.main])
def test_other_words_in_the_code_are_said_and_fail(
    folder: Path, capsys: pytest.CaptureFixture[str], command: Any
) -> None:
    new = {**SIBLING, "name": "get_bill"}
    serve(folder.parents[1], CHANGED, new)
    assert command([]) == lint.FOUND == selection.FAILED
    out, err = capsys.readouterr()
    assert "pass" not in out
    assert err == (
        "billing: its code serves list_invoices, get_invoice, get_bill otherwise than "
        "servers/billing/tools.lock.json, which is what was read: make tools-lock first\n"
    )


@pytest.mark.parametrize("command", [lint.main, selection.main])
def test_nothing_is_accepted_of_a_lock_that_is_not_served(
    folder: Path, capsys: pytest.CaptureFixture[str], command: Any
) -> None:
    serve(folder.parents[1], CHANGED, SIBLING)
    command(["billing", "--accept"])
    assert "Nothing was accepted." in capsys.readouterr().err
    assert not (folder / "descriptions.lock.json").exists()
    assert not (folder / "selection.lock.json").exists()


def test_a_lock_written_after_the_code_is_taken_as_it_is(folder: Path) -> None:
    """So that nobody waits for servers to start when nothing was edited."""
    (folder / "code.py").write_text("an error, were it run", "utf-8")
    (folder / "tools.lock.json").touch()
    assert compare(folder.parents[1], {"billing": folder}) == [
        Compared("billing", folder / "tools.lock.json")
    ]


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("code.py", "import nothing_of_the_kind", "No module named 'nothing_of_the_kind'"),
        ("code.py", "print('no JSON')", "Expecting value"),
        ("code.py", "print('{}')", "no list of tools"),
        ("stack.toml", '[process]\ncommand = ["{url:billing}"]', "its command needs {url:billing}"),
        ("stack.toml", "", "no command"),
        ("stack.toml", "proces = 1", "stack.toml"),
    ],
)
def test_code_that_cannot_be_asked_leaves_the_lock_with_its_date(
    folder: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, why: str
) -> None:
    (folder / file).write_text(text, "utf-8")
    assert lint.main(["billing"]) == lint.CLEAN
    said = capsys.readouterr().err
    assert said.startswith("billing: read from servers/billing/tools.lock.json of 2001-09-0")
    assert why in said


def test_a_lock_outside_the_repository_is_told_by_its_path(tmp_path: Path) -> None:
    lock = tmp_path / "tools.lock.json"
    assert str(lock) in next(told(ROOT, [Compared("billing", lock, ["list_invoices"])]))
