"""What a server needs to know of the world: told when it is missing, and told in its README."""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from architecture.tree import ROOT, listed, package_of
from contract.servers import served
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from mcp_shared.tasks.settings import TaskSettings, prefix

SERVERS = sorted(listed())
HTTP = {
    "MCP_RESOURCE": "http://127.0.0.1:1/mcp",
    "MCP_ISSUER": "http://127.0.0.1:1/realm",
    "MCP_JWKS_URL": "http://127.0.0.1:1/keys",
    "MCP_CALLERS": "http://127.0.0.1:1/gateway",
}
ROW = re.compile(r"^\| `([A-Z][A-Z0-9_]+)` \| ([^|]*)\|", re.MULTILINE)


def settings(server: str) -> dict[str, Any]:
    """Variable → its default; `PydanticUndefined` where it has none."""
    name = f"{package_of(listed()[server])}.settings"
    module = importlib.import_module(name) if importlib.util.find_spec(name) else None
    found: dict[str, Any] = {}
    for kind in vars(module).values() if module else ():
        if isinstance(kind, type) and issubclass(kind, BaseSettings):
            begins = kind.model_config.get("env_prefix", "")
            if begins and kind.__module__ == name:
                fields = kind.model_fields.items()
                found |= {f"{begins}{name.upper()}": field.default for name, field in fields}
    if served()[server].get("tasks"):
        fields = TaskSettings.model_fields.items()
        found |= {f"{prefix(server)}{name.upper()}": field.default for name, field in fields}
    return found


def needs(server: str) -> bool:
    """Whether it cannot start without being told something."""
    return PydanticUndefined in settings(server).values()


@pytest.mark.parametrize("server", SERVERS)
def test_the_readme_has_a_row_for_every_setting_and_its_default(server: str) -> None:
    rows = dict(ROW.findall((listed()[server] / "README.md").read_text("utf-8")))
    known = settings(server)
    assert rows.keys() == known.keys()
    for name, default in known.items():
        told = rows[name].strip()
        if default is PydanticUndefined:
            assert told == "", name
        elif default is None:
            assert told.startswith("none"), name
        elif isinstance(default, str):
            assert told == default, name
        else:
            assert float(told) == default, name


@pytest.mark.parametrize("mode", ["http", "stdio"])
@pytest.mark.parametrize("server", [one for one in SERVERS if needs(one)])
def test_a_server_that_lacks_a_setting_says_which_and_ends(server: str, mode: str) -> None:
    words = [sys.executable, "-m", package_of(listed()[server])]
    unset = settings(server).keys()
    bare = {k: v for k, v in os.environ.items() if k not in unset and not k.startswith("MCP_")}
    done = subprocess.run(
        words + (["--stdio"] if mode == "stdio" else []),
        cwd=ROOT, env=bare | (HTTP if mode == "http" else {}),
        check=False, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines
    for line in lines:
        name, _, said = line.partition(": ")
        assert name in settings(server), line
        assert said == "Field required"
