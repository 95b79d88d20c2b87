"""The lock is held against what the rooms ask for, on a workspace in small."""

import base64
import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from mcp_local import bootstrap, lockcheck

WORKSPACE = """
[project]
name = "small"
version = "0.1.0"
requires-python = ">=3.11"

[tool.uv]
package = false

[tool.uv.workspace]
members = ["room"]
"""
ROOM = """
[project]
name = "room"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [{}]
"""


def wheel(folder: Path, name: str) -> str:
    """A package of one line, version 1.0; returns its line in a lock."""
    file = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    content = {
        f"{name}.py": "ANSWER = 42\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(file, "w") as packed:
        record = ""
        for path, text in content.items():
            packed.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
            record += f"{path},sha256={digest.decode()},{len(text)}\n"
        packed.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}\n"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "infra" / "local").mkdir(parents=True)
    (tmp_path / "infra" / "local" / "stack.toml").touch()
    (tmp_path / "pyproject.toml").write_text(WORKSPACE)
    (tmp_path / "room").mkdir()
    (tmp_path / ".venv").symlink_to(sys.prefix)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_CONFIG_FILE", str(bootstrap.NO_INDEX))
    return tmp_path


def asks_for(workspace: Path, *packages: str) -> None:
    (workspace / "room" / "pyproject.toml").write_text(
        ROOM.format(", ".join(f'"{package}"' for package in packages))
    )


def test_a_lock_with_all_the_rooms_ask_for_and_nothing_else_is_right(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asks_for(workspace, "thing")
    (workspace / "requirements.lock").write_text(wheel(workspace / "wheels", "thing"))
    assert lockcheck.main() == 0
    assert "1 packages, as the rooms ask" in capsys.readouterr().out


def test_what_is_missing_and_what_nobody_asks_for_is_named(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asks_for(workspace, "thing")
    wheel(workspace / "wheels", "thing")
    (workspace / "requirements.lock").write_text(wheel(workspace / "wheels", "other"))
    assert lockcheck.main() == 1
    told = capsys.readouterr().out
    assert "missing thing==1.0" in told
    assert "nothing asks for other==1.0" in told
    assert "make lock" in told


def test_a_requirement_above_the_locked_version_does_not_fit(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asks_for(workspace, "thing>=2")
    (workspace / "requirements.lock").write_text(wheel(workspace / "wheels", "thing"))
    assert lockcheck.main() == 1
    assert "does not fit" in capsys.readouterr().out


def test_a_package_without_a_hash_is_named(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asks_for(workspace)
    (workspace / "requirements.lock").write_text("thing==1.0\n")
    assert lockcheck.main() == 1
    assert "without a hash: thing==1.0" in capsys.readouterr().out


def test_without_an_index_nothing_is_claimed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asks_for(workspace, "thing")
    (workspace / "requirements.lock").write_text(wheel(workspace / "wheels", "thing"))
    monkeypatch.delenv("UV_CONFIG_FILE")
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")  # nobody answers there
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert lockcheck.main() == 0
    assert "not checked" in capsys.readouterr().out
