"""The environment is made with any python3, and what pip was told about index, proxy and CA holds."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from local.small_stack import SERVER, clone

from mcp_local import bootstrap

ROOT = Path(__file__).parents[2]


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine on which nobody has set anything."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "UV_")) or name in (
            *bootstrap.SETTINGS.values(),
            "VIRTUAL_ENV",
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    return monkeypatch


def test_what_pip_was_told_is_handed_on_to_uv(no_settings: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PIP_INDEX_URL": "https://packages.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://one.example/simple https://two.example/simple",
        "PIP_CERT": "/etc/company-ca.pem",
        "PIP_PROXY": "http://proxy.example:3128",
        "PIP_TRUSTED_HOST": "packages.example",
        "PIP_FIND_LINKS": "/srv/wheels /srv/more",
    }.items():
        no_settings.setenv(name, value)
    env = bootstrap.uv_environment()
    assert env["UV_DEFAULT_INDEX"] == "https://packages.example/simple"
    assert env["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert env["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert env["SSL_CERT_FILE"] == "/etc/company-ca.pem"
    assert env["ALL_PROXY"] == "http://proxy.example:3128"
    assert env["UV_INSECURE_HOST"] == "packages.example"
    assert env["UV_FIND_LINKS"] == "/srv/wheels,/srv/more"
    assert env["UV_PYTHON_DOWNLOADS"] == "never"


def test_a_configuration_file_of_pip_counts_and_a_variable_beats_it(
    no_settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://file.example/simple\nno-index = true\n")
    no_settings.setenv("PIP_CONFIG_FILE", str(file))
    assert bootstrap.uv_environment()["UV_DEFAULT_INDEX"] == "https://file.example/simple"
    assert bootstrap.uv_environment()["UV_CONFIG_FILE"] == str(bootstrap.NO_INDEX)
    no_settings.setenv("PIP_INDEX_URL", "https://variable.example/simple")
    assert bootstrap.uv_environment()["UV_DEFAULT_INDEX"] == "https://variable.example/simple"


def test_what_uv_was_told_directly_is_left_alone(no_settings: pytest.MonkeyPatch) -> None:
    no_settings.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    no_settings.setenv("UV_DEFAULT_INDEX", "https://uv.example/simple")
    no_settings.setenv("PIP_CERT", "/pip.pem")
    no_settings.setenv("SSL_CERT_FILE", "/company.pem")
    env = bootstrap.uv_environment()
    assert env["UV_DEFAULT_INDEX"] == "https://uv.example/simple"
    assert env["SSL_CERT_FILE"] == "/company.pem"


@pytest.fixture
def private_index() -> Iterator[tuple[str, list[str]]]:
    """Has no package, and remembers what it was asked for."""
    asked: list[str] = []

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple", asked
        server.shutdown()


def test_a_private_index_is_the_one_that_is_asked(
    no_settings: pytest.MonkeyPatch, private_index: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = private_index
    no_settings.setenv("PIP_INDEX_URL", url)
    no_settings.setenv("NO_PROXY", "127.0.0.1")
    env = bootstrap.uv_environment() | {"VIRTUAL_ENV": str(tmp_path), "UV_NO_CACHE": "1"}
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, "pip", "install", "--dry-run", "--python", sys.executable, "a-package-of-the-company"],
        env=env, check=False, capture_output=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert asked == ["/simple/a-package-of-the-company/"]


def test_an_index_that_is_switched_off_is_not_asked(
    no_settings: pytest.MonkeyPatch, private_index: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, asked = private_index
    no_settings.setenv("PIP_INDEX_URL", url)
    no_settings.setenv("PIP_NO_INDEX", "1")
    no_settings.setenv("PIP_FIND_LINKS", str(tmp_path))
    no_settings.setenv("NO_PROXY", "127.0.0.1")
    env = bootstrap.uv_environment() | {"VIRTUAL_ENV": str(tmp_path), "UV_NO_CACHE": "1"}
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run(
        [uv, "pip", "install", "--dry-run", "--python", sys.executable, "a-package-of-the-company"],
        env=env, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "not found in the provided package locations" in " ".join(done.stderr.split())
    assert asked == []


def python_without(folder: Path, *modules: str) -> Path:
    """As Debian's python3, which leaves these modules to packages of their own."""
    lame = folder / "lame"
    lame.mkdir(parents=True)
    for module in modules:
        (lame / f"{module}.py").write_text("raise ImportError('left out by the distribution')\n")
    python = folder / "python3"
    python.write_text(f"#!/bin/sh\nPYTHONPATH='{lame}' exec '{sys.executable}' \"$@\"\n")
    python.chmod(0o755)
    return python


def test_a_python_that_cannot_make_environments_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(python_without(tmp_path, "ensurepip", "venv")))
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        bootstrap.make_environment()
    assert not (tmp_path / ".venv").exists()


def test_a_python_without_ensurepip_lends_its_own_pip(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(python_without(tmp_path, "ensurepip")))
    ran: list[str] = []
    monkeypatch.setattr(bootstrap, "run", lambda *words: ran.append(" ".join(map(str, words[1:]))))
    bootstrap.make_environment()
    assert ran == [
        "-m venv --clear --without-pip .venv",
        "-m pip --python .venv/bin/python install -q pip",
    ]


def test_a_server_beyond_the_repository_is_found_for_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = clone(tmp_path / "a clone", {"alpha": SERVER})
    other = tmp_path / "elsewhere" / "omega"
    other.mkdir(parents=True)
    for name in ("stack.toml", "policy.yaml"):
        (other / name).write_text((root / "servers" / "alpha" / name).read_text())
    listing = root / "gateway" / "gateway.yaml"
    listing.write_text(listing.read_text().replace('["alpha"]', '["alpha", "../elsewhere/omega"]'))
    monkeypatch.chdir(root)
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    assert bootstrap.outside() == []  # nothing to install
    (other / "pyproject.toml").write_text("")
    assert bootstrap.outside() == [other]


def test_bytecode_is_made_where_python_is_told_to_write_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages" / "thing"
    room = tmp_path / "servers" / "alpha"
    for file in (package / "__init__.py", room / "src" / "mcp_alpha" / "__init__.py"):
        file.parent.mkdir(parents=True)
        file.write_text("ANSWER = 42\n")
    (room / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(bootstrap, "PYTHON", Path(sys.executable))
    bootstrap.compile_bytecode()
    assert len(list(tmp_path.rglob("*.pyc"))) == 2


def test_without_an_index_it_says_where_packages_come_from(
    no_settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_settings.setenv("PIP_NO_INDEX", "1")
    done = subprocess.run(
        [sys.executable, "-I", str(bootstrap.__file__)], cwd=tmp_path, check=False,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "This failed: .venv/bin/python -m pip install" in done.stderr
    assert "PIP_INDEX_URL" in done.stderr
    assert "Traceback" not in done.stderr
