"""The stack in containers: a service for the server, one for what stands behind it, its networks.

compose.yaml shares its anchors within one file, so the server goes into it and not beside it.
"""

import re
from collections.abc import Iterator

import yaml

from mcp_playbook.new_server.kinds import Kind
from mcp_playbook.new_server.names import Names
from mcp_playbook.new_server.places import blocks
from mcp_playbook.new_server.places.blocks import PlaceError

COMPOSE = "infra/compose/compose.yaml"
MAPPING = "infra/compose/mapping.toml"
LOGINS = "infra/compose/postgres/pg_hba.conf"
DATABASES = "infra/compose/postgres/databases.sql"

SANDBOX_PORT = 8091
SECRET_FILE = '  {0}: {{ file: "${{COMPOSE_SECRETS:-../../.run/compose/secrets}}/{0}" }}\n'  # noqa: S105  a path
PACKAGES = "/app/lib/python3.11/site-packages"  # of the image

SERVICE = """
  {name}:
    <<: *room
    image: mcp/{name}:local
    build: {{ context: ../.., dockerfile: infra/images/python.Dockerfile, args: {{ PACKAGE: servers/{name} }} }}
    command: [-m, {package}]
    stop_grace_period: 15s
    mem_limit: 256m
    cpus: 1
    environment:
      <<: *server-env
      OTEL_SERVICE_NAME: {name}
      MCP_HOST: {name}.internal
      MCP_RESOURCE: http://{name}.internal/mcp
      MCP_CALLERS: https://localhost:8443/mcp,https://localhost:8443/servers/{name}/mcp
{address}    secrets: [{secret}]
    networks:
      {name}: {{ aliases: [{name}.internal] }}
      {name}-needs:
{after}"""  # noqa: E501
STAND_IN = """
  {name}-sandbox:    # the image leaves the stand-in out, so its file is mounted
    <<: *room
    image: mcp/{name}:local
    build: {{ context: ../.., dockerfile: infra/images/python.Dockerfile, args: {{ PACKAGE: servers/{name} }} }}
    command: [-m, {package}.sandbox]
    mem_limit: 256m
    cpus: 1
    volumes: ["../../servers/{name}/src/{package}/sandbox.py:{packages}/{package}/sandbox.py:ro"]
    environment: {{ <<: *exports, HOST: {name}-sandbox, PORT: "{port}" }}
    secrets: [{env}_SANDBOX_TOKEN]
    networks: [{name}-needs]
"""  # noqa: E501
SETUP = """
  {name}-setup:
    <<: *once
    image: mcp/{name}:local
    build: {{ context: ../.., dockerfile: infra/images/python.Dockerfile, args: {{ PACKAGE: servers/{name} }} }}
    command: [-m, {package}.setup]
    secrets: [{env}_ADMIN_URL, {env}_RO_PASSWORD]
    networks: [setup]
    depends_on: *after-databases
"""  # noqa: E501
REASON = """
[parts.{name}-sandbox]
port = 8091
more = {{ HOST = "natively the default, loopback" }}
"""


def compose(text: str, made: Names, kind: Kind) -> str:
    """compose.yaml with the server.

    Raises:
        PlaceError: the file lacks a place this knows; nothing is added.

    """
    name = made.name
    needing = ["keycloak", "collector", *(["postgres"] if kind.database else [])]
    changed = blocks.upstream(text, name, f"http://{name}.internal:8000/mcp")
    for gateway in ("gateway-1", "gateway-2"):
        networks = rf"(?s:^  {gateway}:[^\n]*\n.*?^    networks:\n)(?:      [^\n]*\n)+"
        changed = blocks.behind(changed, networks, f"      {name}:\n")
    for service in needing:
        listed = rf"(?s:^  {service}:[^\n]*\n(?:(?!^  \S).)*?)^    networks: \[[^\]\n]*"
        changed = blocks.behind(changed, listed, f", {name}-needs")
    changed = blocks.before(changed, r"^\nvolumes:$", _services(made, kind))
    secrets = "".join(SECRET_FILE.format(one) for one in kind.secrets(made))
    changed = blocks.behind(changed, r"^secrets:\n(?:  [^\n]*\n)+", secrets)
    own = f"  {name}: {{ internal: true }}\n  {name}-needs: {{ internal: true }}\n"
    changed = blocks.behind(changed, r"^networks:\n(?:  [^\n]*\n)+", own)
    _read(changed, made, kind)
    return changed


def _services(made: Names, kind: Kind) -> str:
    words = {
        "name": made.name, "package": made.package, "env": made.env,
        "packages": PACKAGES, "port": SANDBOX_PORT,
    }  # fmt: skip
    address, first, done = "", f"{made.name}-setup", "service_completed_successfully"
    if kind.address:
        first, done = f"{made.name}-sandbox", "service_healthy"
        origin = f"http://{first}:{SANDBOX_PORT}"
        address = f"      {kind.variable(made)}: {origin}{kind.path}\n"
    after = f"    depends_on: {{ {first}: {{ condition: {done} }} }}\n"
    service = SERVICE.format(**words, address=address, secret=kind.secret(made), after=after)
    return service + (SETUP if kind.database else STAND_IN).format(**words)


def _read(text: str, made: Names, kind: Kind) -> None:
    """What was put in is where a reader of YAML finds it."""
    said = yaml.safe_load(text)
    services, secrets = said["services"], said["secrets"]
    wanted = {made.name, f"{made.name}-{'setup' if kind.database else 'sandbox'}"}
    there = wanted <= services.keys() and set(kind.secrets(made)) <= secrets.keys()
    joined = all(made.name in services[one]["networks"] for one in ("gateway-1", "gateway-2"))
    if not (there and joined and {made.name, f"{made.name}-needs"} <= said["networks"].keys()):
        raise PlaceError("a place that is not where it was")


def without_compose(text: str, made: Names) -> str:
    name = made.name
    changed = blocks.without_upstream(text, name)
    changed = re.sub(rf", {name}-needs(?=[,\]])", "", changed)
    changed = re.sub(rf"^      {name}:\n", "", changed, flags=re.MULTILINE)
    for service in (f"{name}-sandbox", f"{name}-setup", name):
        changed = blocks.without(changed, f"  {service}:")
    for secret in _secrets_of(changed, made):
        changed = re.sub(rf"^  {secret}: \{{ file: [^\n]*\n", "", changed, flags=re.MULTILINE)
    return re.sub(
        rf"^  {name}(?:-needs)?: \{{ internal: true \}}\n", "", changed, flags=re.MULTILINE
    )


def _secrets_of(text: str, made: Names) -> Iterator[str]:
    """Secrets named after the server that no service lists any more."""
    said = yaml.safe_load(text)
    given = {one for service in said["services"].values() for one in service.get("secrets") or ()}
    named = (one for one in said.get("secrets") or () if one.startswith(f"{made.env}_"))
    yield from (one for one in named if one not in given)


def mapping(text: str, made: Names, kind: Kind) -> str:
    return text if kind.database else text.rstrip("\n") + "\n" + REASON.format(name=made.name)


def without_mapping(text: str, made: Names) -> str:
    return blocks.without_table(text, f"parts.{made.name}-sandbox")


def logins(text: str, made: Names, kind: Kind) -> str:
    if not kind.database:
        return text
    line = f"host    {made.port:<12} {made.port + '_ro':<26}  samenet   scram-sha-256\n"
    return text.rstrip("\n") + "\n" + line


def without_logins(text: str, made: Names) -> str:
    return re.sub(rf"^host +{made.port} +{made.port}_ro .*\n", "", text, flags=re.MULTILINE)


def databases(text: str, made: Names, kind: Kind) -> str:
    return blocks.behind(text, r"ARRAY\['[^\]]*'", f", '{made.port}'") if kind.database else text


def without_databases(text: str, made: Names) -> str:
    return text.replace(f", '{made.port}'", "", 1)
