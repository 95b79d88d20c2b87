"""What the template makes keeps the rules, for any name; and a template that breaks one is found."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from architecture.tree import listed
from playbook.new_server.copied import ROOT

from mcp_playbook.new_server import room
from mcp_playbook.new_server.kinds import KINDS
from mcp_playbook.new_server.names import names
from mcp_playbook.new_server.room import BrokenError, Room
from mcp_playbook.selection import evaluate

SUBJECT = '    subject: str = Field(description=f"What it is about. {UNTRUSTED}")\n'
OURS = {"warehouse", "crm", "docs"}  # a clone may list servers of its own
TOOLS = {"rest": 4, "sql": 3, "vendor": 3}
LONGEST = ("a-name-of-thirty-one-characters", "a" * 19 + "x")


def filled(to: Path, name: str, thing: str, root: Path = ROOT, kind: str = "rest") -> Room:
    to.mkdir()
    return room.fill(root, to, names(name, thing), KINDS[kind])


@pytest.mark.parametrize(("name", "thing"), [("billing", "invoice"), LONGEST])
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_server_keeps_contract_lint_policy_and_style(
    tmp_path: Path, name: str, thing: str, kind: str
) -> None:
    made = filled(tmp_path / "new", name, thing, kind=kind)
    tools = room.pin(made)
    room.check(made, tools)
    assert len(tools) == TOOLS[kind]
    assert all(len(f"{name}_{tool['name']}") <= 64 for tool in tools)
    style = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--no-respect-gitignore",
         "--extend-ignore", "I001", "--config", str(ROOT / "pyproject.toml"), str(made.server)],
        cwd=made.aside, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert style.returncode == 0, style.stdout
    assert all(len(file.read_text().splitlines()) < 250 for file in made.aside.rglob("*.py"))


def broken(folder: Path, file: str, before: str, after: str) -> Path:
    """A repository whose template has this one change."""
    shutil.copytree(ROOT / "playbook" / "template", folder / "playbook" / "template")
    shutil.copy(ROOT / "pyproject.toml", folder)
    (path,) = (folder / "playbook" / "template" / "rest").rglob(file)
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    return folder


@pytest.mark.parametrize(
    ("file", "before", "after", "found"),
    [
        ("get_*.py.jinja", "Not for:", "Otherwise:", "no 'Not for:'"),
        ("find_*.py.jinja", "(10 unless given)", "", "D2"),
        ("models.py.jinja", "max_length=20,", "", "without maxLength"),
        ("add_*.py.jinja", "idempotency_key: IdempotencyKey, ", "", "idempotency_key"),
        ("policy.yaml.jinja", "get_{{ item }}:", "get_{{ items }}:", "policy.yaml"),
        ("rest.py.jinja", "{{ thing }}", "{{ think }}", "think"),
        (
            "models.py.jinja",
            SUBJECT,
            "",
            "(?s)find_invoices D3: .*subject.*get_invoice D3: .*subject",
        ),
    ],
)
def test_a_template_that_breaks_a_rule_is_found(
    tmp_path: Path, file: str, before: str, after: str, found: str
) -> None:
    root = broken(tmp_path / "root", file, before, after)
    with pytest.raises(BrokenError, match=found):
        made_from(root, tmp_path / "new")


def made_from(root: Path, to: Path) -> None:
    made = filled(to, "billing", "invoice", root)
    room.check(made, room.pin(made))


def test_the_statuses_stand_in_one_place(tmp_path: Path) -> None:
    other = '"draft", "sent", "paid"'
    root = broken(tmp_path / "root", "models.py.jinja", '"open", "overdue", "closed"', other)
    made = filled(tmp_path / "new", "billing", "invoice", root)
    tools = {tool["name"]: tool for tool in room.pin(made)}
    room.check(made, list(tools.values()))
    taken = tools["find_invoices"]["inputSchema"]["properties"]["status"]
    assert taken["enum"] == ["draft", "sent", "paid", "any"]


@pytest.mark.parametrize("kind", KINDS)
def test_its_tools_are_found_for_what_people_ask(tmp_path: Path, kind: str) -> None:
    made = filled(tmp_path / "new", "billing", "invoice", kind=kind)
    room.pin(made)
    report = evaluate([made.server])
    assert report.passed, report.problems


@pytest.mark.parametrize(("name", "thing"), [("billing", "bill"), ("service", "ticket")])
@pytest.mark.parametrize("kind", KINDS)
def test_it_takes_no_prompt_away_from_the_servers_that_are_there(
    tmp_path: Path, name: str, thing: str, kind: str
) -> None:
    made = filled(tmp_path / "new", name, thing, kind=kind)
    room.pin(made)
    ours = [folder for name, folder in listed().items() if name in OURS]
    report = evaluate([*ours, made.server])
    assert report.passed, report.problems


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_server_asks_for_no_package_the_lock_does_not_have(tmp_path: Path, kind: str) -> None:
    made = filled(tmp_path / "new", "billing", "invoice", kind=kind)
    project = tomllib.loads((made.server / "pyproject.toml").read_text())["project"]
    locked = {
        line.partition("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines()
    }
    asked = {re.split("[>=<]", one)[0] for one in project["dependencies"]} - {"mcp-shared"}
    assert asked <= locked


@pytest.mark.parametrize("kind", KINDS)
def test_a_production_install_has_no_stand_in_and_what_it_reads(tmp_path: Path, kind: str) -> None:
    made = filled(tmp_path / "new", "billing", "invoice", kind=kind)
    room.pin(made)
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=made.server, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    assert "mcp_billing/server.py" in files
    assert not [name for name in files if "sandbox" in name]
    assert "mcp_billing/policy.yaml" in files
    assert ("mcp_billing/vendor.lock.json" in files) == (kind == "vendor")
