"""Client configurations, ready to paste. Pure: no clock, no network, no state."""

import json
from dataclasses import dataclass

NAME = "gateway"  # how it is called in a client's list


@dataclass(frozen=True, slots=True)
class Configuration:
    """What to paste, and where."""

    client: str
    title: str
    text: str


def configurations(url: str, name: str = NAME, scope: str = "aud:mcp") -> tuple[Configuration, ...]:
    """One per client, for one endpoint and the scope that names it as audience.

    Every client id is a public client of the realm, with PKCE: there is no secret to paste.
    """
    oauth = {"clientId": "vscode"}
    auth = {"CLIENT_ID": "cursor", "scopes": ["openid", scope]}
    return (
        Configuration(
            "claude-code",
            "Claude Code: run this, then /mcp to sign in",
            "claude mcp add --transport http --scope project --client-id claude-code "
            f"--callback-port 8085 {name} {url}",
        ),
        Configuration(
            "codex",
            "Codex: run the first, which also signs in; the second signs in again",
            f"codex mcp add {name} --url {url} --oauth-client-id codex-cli\ncodex mcp login {name}",
        ),
        Configuration(
            "vscode",
            "VS Code: .vscode/mcp.json",
            _json({"servers": {name: {"type": "http", "url": url, "oauth": oauth}}}),
        ),
        Configuration(
            "cursor",
            "Cursor: .cursor/mcp.json",
            _json({"mcpServers": {name: {"url": url, "auth": auth}}}),
        ),
        Configuration(
            "inspector",
            "MCP Inspector (Node 22.19 or later): choose Streamable HTTP, OAuth client id "
            "mcp-inspector",
            f"npx @modelcontextprotocol/inspector --transport http --server-url {url}",
        ),
    )


def _json(content: object) -> str:
    return json.dumps(content, indent=2)
