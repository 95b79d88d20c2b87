"""A clone in small: its own stack.toml files and dummy processes, for the tests of the supervisor."""

import json
from collections.abc import Mapping
from pathlib import Path

DUMMY = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/env":
            body = json.dumps(dict(os.environ)).encode()
        elif self.path == "/sick":
            body = b"not well"
        else:
            body = b"well"
        self.send_response(500 if self.path == "/sick" else 200)
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass

trace = os.environ.get("TRACE")
if trace:
    with open(trace, "a") as file:
        file.write(os.environ["NAME"] + "\\\\n")
print("dummy", os.environ.get("NAME"), "starts", flush=True)
time.sleep(float(os.environ.get("SLOW", "0")))
if os.environ.get("BROKEN"):
    sys.exit("broken: no such colour 'mauve'")
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
""".replace("\\\\n", "\\n")

BASE = """
[services.issuer]
public = "issuer"
process = { command = ["{python}", "{root}/dummy.py"], health = "/healthz" }
env = { NAME = "issuer", TRACE = "{run}/trace" }

[services.gateway]
public = "gateway"
process = { command = ["{python}", "{root}/dummy.py"], health = "/healthz", needs = ["servers", "issuer"] }
env = { NAME = "gateway", TRACE = "{run}/trace", UPSTREAMS = "{upstreams}" }

[servers.env]
NAME = "{name}"
TRACE = "{run}/trace"
MCP_RESOURCE = "{resource}"
"""

SERVER = """
env = {}
[process]
command = ["{python}", "{root}/dummy.py"]
health = "/healthz"
"""


def clone(
    folder: Path, servers: Mapping[str, str] | None = None, base: str = BASE, extra: str = ""
) -> Path:
    """A folder that looks like a clone; `servers` maps names to their stack.toml."""
    servers = servers or {"alpha": SERVER}
    local = folder / "infra" / "local"
    local.mkdir(parents=True)
    (local / "stack.toml").write_text(base + extra)
    (folder / "dummy.py").write_text(DUMMY)
    (folder / "gateway").mkdir()
    listing = {
        "public_url": "http://localhost:8080",
        "issuer": "http://localhost:8081/realms/mcp",
        "servers": list(servers),
    }
    (folder / "gateway" / "gateway.yaml").write_text(json.dumps(listing))
    for name, text in servers.items():
        (folder / "servers" / name).mkdir(parents=True)
        (folder / "servers" / name / "stack.toml").write_text(text)
        (folder / "servers" / name / "policy.yaml").write_text("tools: {}\n")
    return folder
