"""What AWS and the first virtual machine have to be told of a server: an address, until yours.

The address is one that nobody can have (RFC 2606): nothing is reached before somebody says what.
"""

import re

from mcp_playbook.new_server.kinds import Kind
from mcp_playbook.new_server.names import Names
from mcp_playbook.new_server.places import blocks

SERVERS = "infra/terraform/servers.yaml"
UNITS = "infra/terraform/one-vm/units"
GATEWAY = f"{UNITS}/gateway.env"
FIRST_PORT = 8001

CALLED = """{name}:
  settings:
    {variable}: https://{host}{path}    # yours
  reaches:
    - {{host: {host}, port: 443, reason: What {name} calls. Write the host you have.}}
"""
STORED = """{name}:
  setup: {{}}    # stack.toml makes sample data; yours is there, with a login {port}_ro
"""
UNIT = """# /etc/mcp/{name}.env; what is in braces comes from {name}.secrets beside it
MODULE={package}
MCP_HOST=127.0.0.1
MCP_PORT={number}
MCP_PROFILE=production
MCP_RESOURCE=http://{name}.internal/mcp
MCP_ISSUER=https://id.larkfield.example/realms/mcp
MCP_JWKS_URL=http://127.0.0.1:8081/realms/mcp/protocol/openid-connect/certs
MCP_CALLERS=https://mcp.larkfield.example/mcp,https://mcp.larkfield.example/servers/{name}/mcp
PGSSLMODE=verify-full
PGSSLROOTCERT=/etc/mcp/database-ca.pem
OTEL_SERVICE_NAME={name}
"""
URL = (
    "{env}_DATABASE_URL=postgresql://{port}_ro:{{secret:SECRET_POSTGRES_{env}_RO}}"
    "@db.larkfield.example:5432/{port}?sslmode=verify-full\n"
)
ADDRESS = "{variable}=https://{host}{path}\n{env}_TOKEN={{secret:SECRET_{env}_SANDBOX}}\n"


def servers(text: str, made: Names, kind: Kind) -> str:
    return (
        text.rstrip("\n")
        + "\n"
        + (STORED if kind.database else CALLED).format(**_words(made, kind))
    )


def without_servers(text: str, made: Names) -> str:
    return blocks.without(text, f"{made.name}:")


def unit_file(made: Names) -> str:
    return f"{UNITS}/{made.name}.env"


def unit(gateway: str, made: Names, kind: Kind) -> str:
    """The settings of its process, at the port that gateway.env has for it."""
    number = ports(gateway)[made.name]
    text = UNIT + (URL if kind.database else ADDRESS)
    return text.format(**_words(made, kind), number=number)


def gateway(text: str, made: Names) -> str:
    number = max(ports(text).values(), default=FIRST_PORT - 1) + 1
    return blocks.upstream(text, made.name, f"http://127.0.0.1:{number}/mcp")


def without_gateway(text: str, made: Names) -> str:
    return blocks.without_upstream(text, made.name)


def ports(gateway: str) -> dict[str, int]:
    found = re.findall(r'"([a-z0-9-]+)": "http://127\.0\.0\.1:(\d+)/mcp"', gateway)
    return {name: int(port) for name, port in found}


def _words(made: Names, kind: Kind) -> dict[str, str]:
    return {
        "name": made.name, "package": made.package, "port": made.port, "env": made.env,
        "variable": kind.variable(made), "path": kind.path, "host": f"{made.name}.example.com",
    }  # fmt: skip
