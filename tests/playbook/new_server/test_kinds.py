"""The other kinds, made beside each other in one copy: their own tests, and calls through a gateway."""

import re
from pathlib import Path

import pytest
import yaml
from playbook.new_server.copied import Copy, copied

MADE = {"stored-by-tests": ("sql", "order"), "bought-by-tests": ("vendor", "ticket")}


@pytest.fixture(scope="module")
def copy(run_folder: Path) -> Copy:
    copy = copied(run_folder / "kinds", *MADE)
    for name, (kind, thing) in MADE.items():
        made = copy.make(name, "--kind", kind, "--thing", thing)
        assert made.returncode == 0, made.stdout + made.stderr
    return copy


def test_an_unknown_kind_is_refused_with_those_there_are(copy: Copy) -> None:
    refused = copy.make("another", "--kind", "soap")
    assert refused.returncode == 1
    assert "KIND=soap: choose one of rest (a REST API), sql (a SQL database), vendor" in (
        refused.stderr
    )


def test_their_own_tests_hold_and_the_other_forms_of_the_stack_have_them(copy: Copy) -> None:
    folders = [f"tests/servers/{name.replace('-', '_')}" for name in MADE]
    done = copy.run(
        "pytest", "-q", "-p", "no:cacheprovider", "-n0", *folders, "tests/infra/compose",
        "tests/infra/terraform/test_processes.py", "tests/infra/terraform/test_one_vm.py",
        seconds=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.live
def test_their_first_calls_are_governed_and_on_record(copy: Copy) -> None:
    listed = yaml.safe_load(copy.listing.read_text()) | {"servers": list(MADE)}
    copy.listing.write_text(yaml.safe_dump(listed))
    try:
        up = copy.run("mcp_local", "up")
    finally:
        copy.run("mcp_local", "clean")
    assert up.returncode == 0, up.stdout + up.stderr
    calls = re.findall(
        r"^(\w+) +([a-z]+)-by-tests_\w+ +(\w+) .*[0-9a-f]/\d+ +yes", up.stdout, re.MULTILINE
    )
    ways = {("ana", "allowed"), ("ben", "allowed"), ("cho", "refused")}
    assert set(calls) == {(who, kind, how) for who, how in ways for kind in ("stored", "bought")}
