"""Realms of a test's own at a running Keycloak, applied as `make realm` does."""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keycloak import KeycloakAdmin
from people import ROOT, Issuer

from mcp_realm import admin as door
from mcp_realm.apply import run
from mcp_realm.apply_target import Target, of_clone


@dataclass
class Applied:
    """A realm's name at a Keycloak, and what `make realm` said the last time."""

    issuer: Issuer
    name: str
    said: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return self.issuer.url.partition("/realms/")[0]

    @property
    def url(self) -> str:
        return f"{self.origin}/realms/{self.name}"

    @property
    def told(self) -> str:
        return "\n".join(self.said)

    def environ(self, **changes: str) -> dict[str, str]:
        return {
            "KEYCLOAK_URL": self.origin,
            "KEYCLOAK_ADMIN_USERNAME": "admin",
            "KEYCLOAK_ADMIN_PASSWORD": self.issuer.admin_password or "",
            "GATEWAY_ASSERTION_KEY": str(self.issuer.key_file),
            "STACK_ROOT": str(ROOT),
            **changes,
        }

    def target(
        self, *, gateway: str | None = None, base: Path | None = None, **changes: str
    ) -> Target:
        return of_clone(
            issuer=self.url,
            public_url=gateway or self.issuer.gateway,
            base=base,
            development=True,
            environ=self.environ(**changes),
        )

    def apply(
        self, target: Target | None = None, *, check: bool = False, prune: bool = False
    ) -> int:
        self.said.clear()
        return run(
            target or self.target(), self.said.append, lambda _: True, check=check, prune=prune
        )

    def admin(self) -> KeycloakAdmin:
        """Somebody at Keycloak's own console."""
        who = door.login(self.environ())
        return door.signed_in(self.origin, self.name, who)

    def client(self, name: str) -> dict[str, Any]:
        (found,) = [c for c in self.admin().get_clients() if c["clientId"] == name]
        return dict(found)


@contextlib.contextmanager
def a_realm(issuer: Issuer) -> Iterator[Applied]:
    """A name that no realm has yet; what is made under it goes again."""
    applied = Applied(issuer, f"try-{secrets.token_hex(4)}")
    try:
        yield applied
    finally:
        with contextlib.suppress(Exception):
            applied.admin().delete_realm(applied.name)
