"""The MCP Inspector's command line: a client that is not ours, run by the wheel's node."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from clients import node

PACKAGE = "@modelcontextprotocol/inspector"


@dataclass(frozen=True)
class Inspector:
    node: Path
    script: Path

    def __call__(
        self, url: str, token: str, era: str, method: str, *more: str
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                str(self.node), str(self.script), "--cli", url, "--transport", "http",
                "--protocol-era", era, "--header", f"Authorization: Bearer {token}",
                "--stored-auth-only", "--format", "json", "--method", method, *more,
            ],
            env={**os.environ, "NO_PROXY": "localhost,127.0.0.1"},
            check=False, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


def installed() -> Inspector:
    found = node.installed("inspector")
    launcher = found.package(PACKAGE) / "clients" / "launcher" / "build" / "index.js"
    return Inspector(found.node, launcher)
