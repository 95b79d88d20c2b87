"""Which realm is meant, and what it should be: of this clone's files and the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from joserfc.errors import JoseError

from mcp_gateway.configuration import settings
from mcp_gateway.realm.keycloak import from_files
from mcp_local import trust
from mcp_local.place import Place, place
from mcp_realm.admin import CannotError, Login, login
from mcp_shared.settings import is_loopback

ADMIN_SECRET = "keycloak-admin"  # noqa: S105  its file among a local stack's secrets
KEY_FILE = "gateway-assertion.pem"
REALMS = "/realms/"


@dataclass(frozen=True)
class Target:
    """A realm at a Keycloak. `base` is where it is administered, `issuer` what its tokens say."""

    name: str
    base: str
    issuer: str
    gateway: str
    derived: Mapping[str, Any]
    key: bytes = field(repr=False)
    who: Login

    @property
    def endpoints(self) -> dict[str, str]:
        """Which scope puts an endpoint's clientId into a token's audience."""
        names = [
            scope["name"]
            for scope in self.derived["clientScopes"]
            if scope["name"].startswith("aud:")
        ]
        return {self._audience(name): name for name in names}

    @property
    def hosts(self) -> list[str]:
        found = self.derived["clients"]
        return [c["clientId"] for c in found if c["attributes"].get("mcp.host") == "true"]

    def reaches(self, endpoint: str) -> dict[str, str]:
        """Scope → backend, for what an endpoint exchanges tokens for."""
        (client,) = (c for c in self.derived["clients"] if c["clientId"] == endpoint)
        return {name: self._audience(name) for name in client["optionalClientScopes"]}

    def _audience(self, scope: str) -> str:
        (found,) = (one for one in self.derived["clientScopes"] if one["name"] == scope)
        audience: str = found["protocolMappers"][0]["config"]["included.client.audience"]
        return audience


def of_clone(
    *,
    config: Path | None = None,
    base: Path | None = None,
    development: bool | None = None,
    public_url: str | None = None,
    issuer: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Target:
    """The clone's own realm; a gateway.yaml whose issuer is this machine means the local stack.

    Raises:
        CannotError: a file or a variable is wrong or missing; the sentence says which.

    """
    here = place(environ)
    file = config or here.root / "gateway" / "gateway.yaml"
    try:
        made = settings.from_environment()
        given = settings.load(file, made)
        local = _local(here, issuer or given.issuer)
        url = public_url or (here.gateway if local and not made.public_url else given.public_url)
        told = issuer or (here.issuer if local and not made.issuer else given.issuer)
        made = made.model_copy(update={"public_url": url, "issuer": told})
        key = _key(here, environ, local=local)
        realm = from_files(
            base or here.root / "infra" / "keycloak" / "realm.json",
            file,
            key,
            made,
            development=is_loopback(told) if development is None else development,
        )
    except (settings.ConfigError, OSError, ValueError, JoseError, KeyError) as error:
        raise CannotError(f"The realm cannot be derived: {error}") from error
    if local:
        trust.adopt(here)
    origin, name = _parts(told)
    return Target(
        name=name,
        base=(environ.get("KEYCLOAK_URL") or origin).rstrip("/"),
        issuer=told,
        gateway=url,
        derived={**realm, "realm": name},
        key=key,
        who=login(environ, here.secrets / ADMIN_SECRET if local else None),
    )


def _local(here: Place, issuer: str) -> bool:
    """Whether this clone's own stack is meant, whose ports are told by the environment."""
    return is_loopback(issuer) and urlsplit(issuer).path == urlsplit(here.issuer).path


def _parts(issuer: str) -> tuple[str, str]:
    origin, found, name = issuer.partition(REALMS)
    if not found or not name or "/" in name:
        raise CannotError(f"issuer {issuer} is no realm of a Keycloak: expected …/realms/NAME.")
    return origin, name


def _key(here: Place, environ: Mapping[str, str], *, local: bool) -> bytes:
    if named := environ.get("GATEWAY_ASSERTION_KEY"):
        return Path(named).read_bytes()
    file = here.secrets / KEY_FILE
    if local and file.is_file():
        return file.read_bytes()
    raise CannotError(
        "GATEWAY_ASSERTION_KEY is not set: the path of the gateway's key (PEM). Its public half is "
        "enough to set up the realm; the private one also proves that it works."
    )
