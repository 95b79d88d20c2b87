"""A package is put aside without running anything of it, and its command is found or not guessed."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from mcp_playbook.vet.collect.outcome import NotHadError
from mcp_playbook.vet.sealed.package import installed, wheel_command
from mcp_playbook.vet.sealed.seal import interpreter
from mcp_playbook.vet.subject import Subject

PYPI = Subject("pypi", "ledger-server")
INFO = "ledger_server-1.0.dist-info"
ENTRY = "[console_scripts]\nledger = ledger.app:main\n"


def declaring(folder: Path, scripts: str) -> Path:
    """What pip leaves of a wheel with these entry points, and of one it depends on."""
    for name, text in (
        (INFO, scripts),
        ("other-2.0.dist-info", "[console_scripts]\nother = o:main\n"),
    ):
        (folder / name).mkdir()
        (folder / name / "entry_points.txt").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("scripts", "entry", "module", "function"),
    [
        (ENTRY, None, "ledger.app", "main"),
        ("[console_scripts]\nledger-server = a:main\nledger-admin = b:main\n", None, "a", "main"),
        ("[console_scripts]\none = a:main\ntwo = b.c:run.now [extra]\n", "two", "b.c", "run.now"),
    ],
)
def test_the_command_of_a_wheel_is_found(
    tmp_path: Path, scripts: str, entry: str | None, module: str, function: str
) -> None:
    found = wheel_command(declaring(tmp_path, scripts), "ledger-server", entry)
    assert found.words[-1].endswith(f"sys.exit(importlib.import_module({module!r}).{function}())")
    assert (found.words[0], found.env["PYTHONPATH"]) == (str(interpreter()), str(tmp_path))


@pytest.mark.parametrize(
    ("scripts", "word"),
    [
        ("[console_scripts]\none = a:main\ntwo = b:main\n", "--entry NAME.*one, two"),
        ("", "has: none"),
        ("[console_scripts]\nx = a:main();import os\n", "names no function"),
    ],
)
def test_a_command_that_is_unclear_is_not_guessed(tmp_path: Path, scripts: str, word: str) -> None:
    with pytest.raises(NotHadError, match=word):
        wheel_command(declaring(tmp_path, scripts), "ledger-server")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip finds packages without an index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    (tmp_path / "site").mkdir()
    return folder


def test_a_wheel_is_installed_aside(tmp_path: Path, wheels: Path) -> None:
    with zipfile.ZipFile(wheels / "ledger_server-1.0-py3-none-any.whl", "w") as made:
        made.writestr("ledger/app.py", "def main(): ...\n")
        made.writestr(
            f"{INFO}/METADATA", "Metadata-Version: 2.1\nName: ledger-server\nVersion: 1.0\n"
        )
        made.writestr(
            f"{INFO}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{INFO}/entry_points.txt", ENTRY)
        made.writestr(f"{INFO}/RECORD", "")
    found = installed(PYPI, tmp_path / "site")
    assert "ledger.app" in found.words[-1]
    assert (tmp_path / "site/ledger/app.py").is_file()


def test_a_package_that_would_be_built_here_is_not_installed(tmp_path: Path, wheels: Path) -> None:
    """Building runs its code, with the network there."""
    source = tmp_path / "ledger_server-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(tmp_path / 'built')!r}, 'w')\n")
    shutil.make_archive(str(wheels / "ledger_server-1.0"), "gztar", tmp_path, source.name)
    with pytest.raises(NotHadError, match="wheels alone"):
        installed(PYPI, tmp_path / "site")
    assert not (tmp_path / "built").exists()


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm of our own that notes how it was asked and lays a package down."""
    program = tmp_path / "bin" / "npm"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    (tmp_path / "site").mkdir()
    return program


def lays(program: Path, manifest: dict[str, object]) -> None:
    here = program.parent
    (here / "package.json").write_text(json.dumps(manifest))
    program.write_text(
        f'#!/bin/sh\necho "$@" > {here}/asked\n'
        f"mkdir -p node_modules/@a/server && cp {here}/package.json node_modules/@a/server/\n"
    )
    program.chmod(0o755)


def test_an_npm_package_is_installed_without_its_scripts(tmp_path: Path, npm: Path) -> None:
    lays(npm, {"bin": {"server": "dist/index.js"}})
    found = installed(Subject("npm", "@a/server", "1.0.0"), tmp_path / "site")
    asked = (npm.parent / "asked").read_text().split()
    assert asked[:2] == ["install", "--ignore-scripts"]
    assert asked[-1] == "@a/server@1.0.0"
    assert found.words[1].endswith("/node_modules/@a/server/dist/index.js")


def test_a_command_outside_of_the_package_is_refused(tmp_path: Path, npm: Path) -> None:
    lays(npm, {"bin": "../../../../../../../bin/sh"})
    with pytest.raises(NotHadError, match="outside"):
        installed(Subject("npm", "@a/server"), tmp_path / "site")
