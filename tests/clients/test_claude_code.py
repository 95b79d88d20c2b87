"""Claude Code, by its own command line: what `make connect` prints is taken, and signs in."""

import json
import shlex
from pathlib import Path

import pytest
from clients import node
from clients.hosts import Program
from clients.person import Person

from mcp_gateway.console.connect import configurations
from mcp_local.governed import token
from mcp_local.load import Stack
from mcp_local.ports import free_port

NAME = "gateway"


@pytest.fixture
def claude(tmp_path: Path) -> Program:
    found = node.installed("claude-code")
    binary = found.binary("@anthropic-ai/claude-code-*/claude")
    settings = {
        "CLAUDE_CONFIG_DIR": str(tmp_path / ".claude"), "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_TELEMETRY": "1",
        "DISABLE_ERROR_REPORTING": "1",
    }  # fmt: skip
    return Program(binary, tmp_path, settings)


def printed(url: str, port: int) -> list[str]:
    """The command of `make connect`; its port may be taken on this machine."""
    (entry,) = [one for one in configurations(url) if one.client == "claude-code"]
    words = shlex.split(entry.text)
    assert words[0] == "claude"
    words[words.index("--callback-port") + 1] = str(port)
    return words[1:]


def approve(claude: Program) -> None:
    """What a person does at the first start in a folder: trust it, and take its servers."""
    file = Path(claude.settings["CLAUDE_CONFIG_DIR"]) / ".claude.json"
    known = json.loads(file.read_text("utf-8"))
    accepted = {"hasTrustDialogAccepted": True, "enabledMcpjsonServers": [NAME]}
    known.setdefault("projects", {})[str(claude.project)] = accepted
    file.write_text(json.dumps(known), "utf-8")


def methods(stack: Stack, since: int) -> list[str]:
    """What has been answered since the gateway's log had this many lines."""
    lines = (stack.here.logs / "gateway.log").read_text("utf-8").splitlines()[since:]
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [one["method"] for one in found if one.get("event") == "call"]


def test_the_printed_command_is_taken_and_the_host_signs_in_and_connects(
    stack: Stack, claude: Program, ana: Person
) -> None:
    url, port = f"{stack.here.gateway}/mcp", free_port()
    claude(*printed(url, port))
    written = json.loads((claude.project / ".mcp.json").read_text("utf-8"))
    oauth = {"clientId": "claude-code", "callbackPort": port}
    assert written == {"mcpServers": {NAME: {"type": "http", "url": url, "oauth": oauth}}}
    approve(claude)
    assert "Needs authentication" in claude("mcp", "list")
    claude.signed_in(ana.sign_in_and_return, "mcp", "login", NAME, "--no-browser")
    assert ana.asked("client_id") == "claude-code"
    assert ana.asked("scope") == "aud:mcp"
    assert ana.asked("resource") == url
    assert ana.asked("redirect_uri") == f"http://localhost:{port}/callback"
    log = stack.here.logs / "gateway.log"
    before = len(log.read_text("utf-8").splitlines())
    assert f"{NAME}: {url} (HTTP) - ✔ Connected" in claude("mcp", "list")
    assert methods(stack, before) == ["server/discover", "tools/list"]


def test_a_header_is_enough_where_a_token_comes_from_elsewhere(
    stack: Stack, claude: Program
) -> None:
    here = stack.here
    endpoint = f"{here.issuer}/protocol/openid-connect/token"
    bearer = token(endpoint, "ana", here.secrets / "demo-password", "openid aud:mcp")
    header = ("--header", f"Authorization: Bearer {bearer}")
    claude("mcp", "add", "--transport", "http", NAME, f"{here.gateway}/mcp", *header)
    assert "✔ Connected" in claude("mcp", "get", NAME)
    header = ("--header", "Authorization: Bearer nonsense")
    claude("mcp", "add", "--transport", "http", "other", f"{here.gateway}/mcp", *header)
    assert "✔ Connected" not in claude("mcp", "get", "other")
