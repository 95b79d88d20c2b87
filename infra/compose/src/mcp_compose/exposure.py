"""Who can speak to whom between containers, as compose.yaml and pg_hba.conf say.

A server listens on the network that carries its name, where the gateways alone are with it. Each
database login reaches its own database. Every line is a way that should not be open.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from mcp_compose.addresses import Inside
from mcp_compose.file import Compose
from mcp_local.fill import PLACEHOLDER

RULES = Path("infra/compose/postgres/pg_hba.conf")
LEADS_OUT = {
    "proxy": "edge",
    "collector": "log-intake",
}  # who may be on a network that is not internal
ISSUER_LOGIN = ("keycloak", "keycloak")


def ways(filler: Inside, compose: Compose) -> Iterator[str]:
    gateways = set(filler.mapping.parts["gateway"].services)
    for server in filler.plan.servers():
        yield from _server(server.name, gateways, compose)
    for gateway in gateways:
        place = compose.services[gateway].environment["GATEWAY_HOST"]
        where = compose.services[gateway].aliases().get(place)
        if where is None or compose.members(where) != {*gateways, "proxy"}:
            yield f"{gateway} listens on {where}, where others are than gateways and proxy"
    networks = compose.said["networks"]
    for name, said in networks.items():
        if not (said or {}).get("internal"):
            members = compose.members(name)
            yield from (
                f"{one} is on {name}, which leads out"
                for one in sorted(members)
                if LEADS_OUT.get(one) != name
            )
    for name, service in compose.services.items():
        for port in service.published:
            if not port.startswith("127.0.0.1:"):
                yield f"{name} publishes {port} beyond loopback"
            if name not in LEADS_OUT:
                yield f"{name} publishes {port}, and is neither proxy nor collector"


def _server(name: str, gateways: set[str], compose: Compose) -> Iterator[str]:
    service = compose.services[name]
    where = service.aliases().get(service.environment["MCP_HOST"])
    if where is None:
        yield f"{name} listens on every network it is on"
    elif compose.members(where) != {*gateways, name}:
        others = sorted(compose.members(where) ^ {*gateways, name})
        yield f"{name} listens on {where}, and its members differ by {', '.join(others)}"


def logins(filler: Inside) -> set[tuple[str, str]]:
    """(database, login) of every process."""
    found = {
        tuple(words.split(":")[1:])
        for part in filler.plan.parts
        for text in part.texts()
        for name, words in PLACEHOLDER.findall(text)
        if name == "postgres" and words
    }
    return {(database, login) for database, login in found} | {ISSUER_LOGIN}


def allowed(root: Path) -> set[tuple[str, str]]:
    """(database, login) of every line of pg_hba.conf."""
    found: set[tuple[str, str]] = set()
    for line in (root / RULES).read_text("utf-8").splitlines():
        if fields := re.sub(r"#.*", "", line).split():
            _, databases, users, *rest = fields
            if rest[-1] != "scram-sha-256":
                raise ValueError(f"{RULES}: {line}: only passwords by SCRAM")
            if users == "postgres":
                continue  # the administrator, of the setup services
            found |= {(d, u) for d in databases.split(",") for u in users.split(",")}
    return found
