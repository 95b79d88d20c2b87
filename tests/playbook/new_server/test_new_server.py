"""make new-server in a copy of the repository: made, checked, refused, undone, and used by people."""

import ast
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from playbook.new_server.copied import ROOT, Copy, copied

from mcp_playbook.new_server.names import RefusedError, names
from mcp_playbook.new_server.places import aws, every
from mcp_playbook.new_server.standing import Spots, refuse_if_taken

NEW, THING = "made-by-tests", "purchase order"
TESTS = "tests/servers/made_by_tests"


@pytest.fixture(scope="module")
def copy(run_folder: Path) -> Iterator[Copy]:
    made = copied(run_folder / "new server", NEW)
    # what an interrupted run leaves: its folder is there, and nothing lists it
    (made.root / "servers" / NEW).mkdir()
    yield made
    made.run("mcp_local", "clean")


@pytest.fixture(scope="module")
def server(copy: Copy) -> Path:
    """Made after the half one was put aside; asked for by every test of what was made."""
    half = copy.make(NEW, "--thing", THING)
    assert half.returncode == 1
    assert f"NAME={NEW} REMOVE=1" in half.stderr
    assert copy.make("--remove", NEW).returncode == 0
    made = copy.make(NEW, "--thing", THING)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "make up" in made.stdout
    assert f"git add servers/{NEW} {TESTS} playbook/owners.toml" in made.stdout
    return copy.root / "servers" / NEW


@contextmanager
def alone(copy: Copy) -> Iterator[None]:
    """The new server without the others, whose data would have to be loaded."""
    everyone = copy.listing.read_text()
    listed = yaml.safe_load(everyone) | {"servers": [NEW]}
    copy.listing.write_text(yaml.safe_dump(listed))
    yield
    copy.listing.write_text(everyone)


def test_a_second_run_says_that_it_is_there_and_what_to_do(copy: Copy, server: Path) -> None:
    before = copy.listing.read_text()
    again = copy.make(NEW)
    assert again.returncode == 1
    assert "listed in gateway/gateway.yaml already" in again.stderr
    assert (
        f"another name, or this one out first:\n  make new-server NAME={NEW} REMOVE=1"
        in again.stderr
    )
    assert copy.listing.read_text() == before


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("crm", "listed in gateway/gateway.yaml already"),
        ("gateway", "a part called gateway"),
        ("crm-api", "a part called crm-api"),
        ("shared", "mcp_shared is installed already"),
        ("playbook", "mcp_playbook is installed already"),
        ("types", "mcp_types is installed already"),
    ],
)
def test_a_name_that_something_has_is_refused(name: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        refuse_if_taken(Spots(ROOT, names(name, THING)))


def test_the_list_has_one_line_more(copy: Copy, server: Path) -> None:
    before = (ROOT / "gateway" / "gateway.yaml").read_text().splitlines()
    after = copy.listing.read_text().splitlines()
    assert [line for line in after if line.strip() != f"- {NEW}"] == before
    assert len(after) == len(before) + 1


def test_the_repository_s_own_tests_hold_with_the_new_server(copy: Copy, server: Path) -> None:
    with alone(copy):
        done = copy.run(
            "pytest", "-q", "-p", "no:cacheprovider", "-n0",
            "tests/contract", "tests/architecture/test_names.py", TESTS,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_containers_and_infrastructure_have_it_too(copy: Copy, server: Path) -> None:
    """What compares the stack's other forms with the native one finds no difference."""
    done = copy.run(
        "pytest", "-q", "-p", "no:cacheprovider", "-n0", "tests/infra/compose",
        "tests/infra/terraform/test_processes.py", "tests/infra/terraform/test_one_vm.py",
        "tests/attacks/test_deployment.py", seconds=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("ruff", "format", "--check", "--no-cache", "--no-respect-gitignore"),
        ("ruff", "check", "--no-cache", "--no-respect-gitignore"),
        ("mypy", "--cache-dir=.run/mypy"),
    ],
    ids=["format", "lint", "types"],
)
def test_the_new_files_are_as_make_check_wants_them(
    copy: Copy, server: Path, words: tuple[str, ...]
) -> None:
    copy.env["MYPYPATH"] = os.pathsep.join(("shared/src", f"servers/{NEW}/src", "tests"))
    done = copy.run(*words, f"servers/{NEW}/src", TESTS)
    assert done.returncode == 0, done.stdout


def test_nothing_of_the_template_is_left_in_the_files(server: Path) -> None:
    for file in (path for path in server.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        assert "{{" not in file.read_text(), file
        assert "jinja" not in file.name
        if file.suffix == ".py":
            ast.parse(file.read_text())


@pytest.mark.live
def test_its_first_calls_are_governed_and_on_record(copy: Copy, server: Path) -> None:
    with alone(copy):
        try:
            up = copy.run("mcp_local", "up")
        finally:
            copy.run("mcp_local", "down")
    assert up.returncode == 0, up.stdout + up.stderr
    calls = dict(
        re.findall(rf"^(\w+) +{NEW}_\w+ +(\w+) .*[0-9a-f]/\d+ +yes", up.stdout, re.MULTILINE)
    )
    assert calls == {"ana": "allowed", "ben": "allowed", "cho": "refused"}, up.stdout
    assert f"{NEW}-sandbox" in up.stdout


def test_it_can_be_taken_out_again(copy: Copy, server: Path) -> None:
    """Also what people changed in it meanwhile: it is moved, and git has no say in it."""
    removed = copy.make("--remove", NEW)
    assert removed.returncode == 0, removed.stderr
    assert copy.listing.read_text() == (ROOT / "gateway" / "gateway.yaml").read_text()
    assert not server.exists()
    assert not (copy.root / TESTS).exists()
    for name in every.PLACES:
        assert (copy.root / name).read_text() == (ROOT / name).read_text(), name
    assert not (copy.root / aws.unit_file(names(NEW, THING))).exists()
    kept = list((copy.root / ".run" / "removed").glob(f"{NEW}-*/servers/{NEW}/policy.yaml"))
    assert len(kept) == 1
    assert copy.make("--remove", NEW).returncode == 1
