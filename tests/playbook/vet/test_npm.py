"""npm's entry: reduced from what the client prints, and a client that does not answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_playbook.vet.collect import npm
from mcp_playbook.vet.collect.outcome import NoSuchPackageError, NotHadError
from mcp_playbook.vet.subject import Subject

SERVER = Subject("npm", "@someone/server")
ORIGINAL: dict[str, Any] = {
    "name": "@someone/server",
    "version": "1.1.0",
    "license": "MIT",
    "mcpName": "io.github.someone/server",
    "repository": {
        "type": "git",
        "url": "git+https://github.com/someone/servers.git",
        "directory": "src/server",
    },
    "time": {
        "created": "2025-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "1.1.0": "2026-01-01T00:00:00.000Z",
        "1.0.0": "2025-01-01T00:00:00.000Z",
    },
    "dist": {
        "tarball": "https://registry.example/x.tgz",
        "attestations": {"url": "https://registry.example/a"},
    },
}


def test_an_entry_is_reduced_to_what_is_scored() -> None:
    found = npm.reduced(ORIGINAL)
    assert [one["version"] for one in found["releases"]] == ["1.0.0", "1.1.0"]
    assert (found["licence"], found["directory"], found["status"]) == (
        "MIT",
        "src/server",
        "active",
    )
    assert (found["dated"], found["attested"], found["deprecated"]) == (True, True, None)
    assert "registry.example" not in json.dumps(found), "no registry's address is kept"


def test_a_deprecated_version_says_so() -> None:
    found = npm.reduced(ORIGINAL | {"deprecated": "use another"})
    assert (found["deprecated"], found["status"]) == ("use another", "deprecated")


def test_a_copy_is_told_by_what_it_leaves_out() -> None:
    """A mirror's dates are when it saw a version; it passes neither flags nor attestations on."""
    times = {"1.1.0": "2026-01-01T00:00:00Z"}
    found = npm.reduced(ORIGINAL | {"time": times, "dist": {}})
    assert (found["dated"], found["attested"], found["status"]) == (False, None, None)


@pytest.mark.parametrize(
    ("stated", "address"),
    [
        ({"url": "git+https://github.com/a/b.git"}, "git+https://github.com/a/b.git"),
        ("a/b", "github:a/b"),
        ("https://github.com/a/b", "https://github.com/a/b"),
        (None, ""),
    ],
)
def test_a_repository_is_read_in_both_of_npm_s_forms(stated: Any, address: str) -> None:
    assert npm.reduced(ORIGINAL | {"repository": stated})["repository"] == address


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm of our own, first on the path, that says what a file says."""
    program = tmp_path / "npm"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return program


def says(program: Path, out: str, *, error: str = "", code: int = 0) -> None:
    (program.parent / "out").write_text(out)
    (program.parent / "error").write_text(error)
    here = program.parent
    program.write_text(
        f'#!/bin/sh\necho "$@" > {here}/asked\ncat {here}/out\ncat {here}/error >&2\nexit {code}\n'
    )
    program.chmod(0o755)


def test_the_client_of_this_machine_is_asked(client: Path) -> None:
    says(client, json.dumps(ORIGINAL))
    found = npm.collect(Subject("npm", "@someone/server", "1.1.0"))
    assert (client.parent / "asked").read_text().split() == [
        "view",
        "@someone/server@1.1.0",
        "--json",
    ]
    assert found.data == npm.reduced(ORIGINAL)
    assert found.source == "npm view @someone/server@1.1.0 --json"


def test_a_name_nobody_registered_is_nothing_to_audit(client: Path) -> None:
    says(client, '{"error": {}}', error="npm error code E404\n", code=1)
    with pytest.raises(NoSuchPackageError, match="@someone/server"):
        npm.collect(SERVER)


@pytest.mark.parametrize(
    ("out", "error", "code", "word"),
    [
        (
            "",
            "npm error request to https://registry.example/x failed",
            1,
            "request to the registry failed",
        ),
        ("<html>", "", 0, "no JSON"),
        ("[]", "", 0, "dates"),
        (json.dumps(ORIGINAL | {"name": "@someone/other"}), "", 0, "other"),
    ],
)
def test_a_client_that_does_not_answer_leaves_the_entry_unknown(
    client: Path, out: str, error: str, code: int, word: str
) -> None:
    says(client, out, error=error, code=code)
    with pytest.raises(NotHadError, match=word):
        npm.collect(SERVER)


def test_a_client_that_hangs_is_ended(client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_playbook.vet.collect.client.SECONDS", 0.2)
    client.write_text("#!/bin/sh\nexec sleep 30\n")
    client.chmod(0o755)
    with pytest.raises(NotHadError, match="did not answer within"):
        npm.collect(SERVER)
