import json
from pathlib import Path
from typing import Any

import pytest
from gateway.made import SCHEMA

from mcp_gateway.configuration.settings import ConfigError, Server
from mcp_gateway.definitions.catalogue import load
from mcp_shared.contract import definition_hash

TOOL: dict[str, Any] = {"name": "read_it", "description": "Reads.", "inputSchema": SCHEMA}


def locked(folder: Path, text: str) -> Server:
    (folder / "tools.lock.json").write_text(text)
    return Server(name="one", folder=folder, resource="http://one.internal/mcp")


def a_lock(**changed: Any) -> str:
    tool = {**TOOL, "hash": definition_hash(TOOL)}
    return json.dumps({"server": "one", "title": "One", "tools": [tool], "prompts": [], **changed})


def test_a_lock_file_is_what_is_shown_without_its_hashes(tmp_path: Path) -> None:
    catalogue = load([locked(tmp_path, a_lock())])
    (shown,) = catalogue.tools("", lambda *_: True)
    assert shown == {**TOOL, "name": "one_read_it"}
    assert catalogue.tools("one", lambda *_: True) == [TOOL]
    assert catalogue.definition("one", "tool", "read_it") == definition_hash(TOOL)
    assert catalogue.definition("one", "tool", "other") is None
    assert catalogue.definition("one", "prompt", "read_it") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (a_lock(tools=[{**TOOL, "hash": definition_hash(TOOL), "description": "x"}]), "read_it was edited by hand"),
        (a_lock(tools=[TOOL]), "read_it was edited by hand"),
        (a_lock(tools=[{}]), "not a lock file"),
        (a_lock(tools=None), "not a lock file"),
        ('{"server": "one"}', "not a lock file"),
        ("[]", "not a lock file"),
        ("{", "not a lock file"),
        ("", "not a lock file"),
    ],
)  # fmt: skip
def test_a_lock_file_nobody_wrote_stops_the_start(tmp_path: Path, text: str, told: str) -> None:
    server = locked(tmp_path, text)
    with pytest.raises(ConfigError, match=told):
        load([server])


def test_a_missing_lock_file_says_which_command_writes_it(tmp_path: Path) -> None:
    server = locked(tmp_path, "{}")
    (tmp_path / "tools.lock.json").unlink()
    with pytest.raises(ConfigError, match="make tools-lock"):
        load([server])
