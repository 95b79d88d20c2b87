"""Codex, by its own command line: what `make connect` prints is taken, and signs in."""

import shlex
import tomllib
from pathlib import Path

import pytest
from clients import node
from clients.hosts import Program
from clients.person import Person

from mcp_gateway.console.connect import configurations
from mcp_local.load import Stack

NAME = "gateway"


@pytest.fixture
def codex(tmp_path: Path) -> Program:
    found = node.installed("codex")
    home = tmp_path / ".codex"
    home.mkdir()
    # no keyring of this machine
    (home / "config.toml").write_text('mcp_oauth_credentials_store = "file"\n', "utf-8")
    binary = found.binary("@openai/codex-*/vendor/*/bin/codex")
    return Program(binary, tmp_path, {"CODEX_HOME": str(home)})


def printed(url: str) -> list[list[str]]:
    """The two commands of `make connect`."""
    (entry,) = [one for one in configurations(url) if one.client == "codex"]
    commands = [shlex.split(line) for line in entry.text.splitlines()]
    assert [words[0] for words in commands] == ["codex", "codex"]
    return [words[1:] for words in commands]


def test_the_printed_commands_are_taken_and_the_host_signs_in(
    stack: Stack, codex: Program, ana: Person
) -> None:
    url = f"{stack.here.gateway}/mcp"
    add, login = printed(url)
    said = codex.signed_in(ana.sign_in_and_return, *add)
    assert f"Added global MCP server '{NAME}'" in said
    written = tomllib.loads((codex.home / ".codex" / "config.toml").read_text("utf-8"))
    server = written["mcp_servers"][NAME]
    assert server["url"] == url
    assert server["oauth"]["client_id"] == "codex-cli"
    assert ana.asked("client_id") == "codex-cli"
    assert ana.asked("scope") == "aud:mcp"
    assert ana.asked("resource") == url
    assert ana.asked("redirect_uri").startswith("http://127.0.0.1:")
    assert "OAuth" in codex("mcp", "list")
    # and signed out, the second command signs in again
    codex("mcp", "logout", NAME)
    assert "Not logged in" in codex("mcp", "list")
    codex.signed_in(ana.sign_in_and_return, *login)
    assert "OAuth" in codex("mcp", "list")


def test_once_signed_in_the_host_reads_what_the_person_may_use(
    stack: Stack, codex: Program, ana: Person
) -> None:
    """By its own server for editors, which needs no account to say what a session would have."""
    add, _ = printed(f"{stack.here.gateway}/mcp")
    codex.signed_in(ana.sign_in_and_return, *add)
    answer = codex.served(
        ["app-server"],
        {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "t", "version": "1"}}},
        {"method": "initialized"},
        {"id": 2, "method": "mcpServerStatus/list", "params": {}},
    )
    (server,) = answer["result"]["data"]
    assert server["name"] == NAME
    assert server["serverInfo"]["name"] == "mcp-gateway"
    assert "warehouse_get_metric" in server["tools"]
    assert "crm_log_note" not in server["tools"]  # ana may not
    # an older client: it is told of no changes, as nothing would reach it
    assert server["serverCapabilities"]["tools"] == {}
