"""What a person pastes into a client names this gateway, and a client the issuer knows."""

import json
from pathlib import Path
from typing import Any

from mcp_gateway.console.connect import configurations

URL = "http://localhost:8080/mcp"
REALM = Path(__file__).parents[2] / "infra" / "keycloak" / "realm.json"
FOUND = {entry.client: entry for entry in configurations(URL, "larkfield")}


def test_every_configuration_names_the_gateway() -> None:
    assert set(FOUND) == {"claude-code", "codex", "vscode", "cursor", "inspector"}
    assert all(URL in entry.text for entry in FOUND.values())


def test_what_goes_into_a_json_file_is_json() -> None:
    assert json.loads(FOUND["vscode"].text)["servers"]["larkfield"]["url"] == URL
    assert json.loads(FOUND["cursor"].text)["mcpServers"]["larkfield"]["url"] == URL


def test_every_client_id_is_a_public_client_of_the_realm_with_pkce() -> None:
    clients: dict[str, dict[str, Any]] = {
        client["clientId"]: client for client in json.loads(REALM.read_text())["clients"]
    }
    named = ("claude-code", "codex-cli", "vscode", "cursor", "mcp-inspector")
    told = " ".join(f"{entry.title} {entry.text}" for entry in FOUND.values())
    for client_id in named:
        assert client_id in told
        assert clients[client_id]["publicClient"] is True
        assert clients[client_id]["attributes"]["pkce.code.challenge.method"] == "S256"
