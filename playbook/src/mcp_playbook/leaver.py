"""A person made for one check at a real Keycloak: signs in, is disabled, and is removed afterwards.

None of a company's own people is touched. The development issuer has no administration, so there
is nobody to disable there.
"""

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from mcp_local.governed import CLIENT_ID
from mcp_playbook import wire

LOCAL = "keycloak-admin"  # beside the gateway's keys, where a local stack keeps it
REALMS = "/realms/"


class NoAdministrationError(Exception):
    """Nobody can be made or disabled from here; the message says why."""


class NoPasswordGrantError(Exception):
    """The realm lets nobody sign in without a browser, as a production realm should."""


@dataclass(frozen=True)
class SignedIn:
    access: str = field(repr=False)
    refresh: str = field(repr=False)


@dataclass(frozen=True)
class Leaver:
    """One person, of the same groups as somebody who may make a certain call."""

    name: str
    _id: str
    _password: str = field(repr=False)
    _at: "Administration" = field(repr=False)

    async def sign_in(self, scope: str) -> SignedIn | None:
        """None where the issuer refuses them.

        Raises:
            NoPasswordGrantError: it refuses everybody.

        """
        return await self._at.token(
            grant_type="password", username=self.name, password=self._password,
            scope=f"openid {scope}",
        )  # fmt: skip

    async def refresh(self, signed_in: SignedIn) -> SignedIn | None:
        return await self._at.token(grant_type="refresh_token", refresh_token=signed_in.refresh)

    async def leave(self) -> None:
        await self._at.asked("PUT", f"users/{self._id}", {"enabled": False})


@dataclass
class Administration:
    """Keycloak's, of one realm."""

    issuer: str
    _http: httpx2.AsyncClient = field(repr=False)
    _token: str = field(repr=False)

    async def asked(self, method: str, path: str, content: object = None) -> Any:
        origin, _, realm = self.issuer.partition(REALMS)
        answer = await self._http.request(
            method,
            f"{origin}/admin/realms/{quote(realm, safe='')}/{path}",
            json=content,
            headers={"authorization": f"Bearer {self._token}"},
        )
        if answer.status_code >= 400:
            raise NoAdministrationError(f"{method} {path.partition('?')[0]}: {answer.status_code}")
        return answer.json() if answer.content else None

    async def token(self, **form: str) -> SignedIn | None:
        answer = await self._http.post(
            f"{self.issuer}/protocol/openid-connect/token", data={"client_id": CLIENT_ID, **form}
        )
        said = answer.json()
        if said.get("error") in ("invalid_client", "unauthorized_client"):
            raise NoPasswordGrantError
        if answer.status_code != 200:
            return None
        return SignedIn(str(said["access_token"]), str(said.get("refresh_token", "")))

    @contextlib.asynccontextmanager
    async def leaver(self, like: str) -> AsyncIterator[Leaver]:
        """With the groups of `like`; removed at the end, whatever happened."""
        known = await self.asked("GET", f"users?exact=true&username={quote(like, safe='')}")
        if not known:
            raise NoAdministrationError(f"the realm knows no {like}")
        (model,) = known
        groups = await self.asked("GET", f"users/{model['id']}/groups")
        name, password = f"leaver-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
        await self.asked(
            "POST",
            "users",
            {
                "username": name, "enabled": True, "emailVerified": True,
                "email": f"{name}@example.invalid", "firstName": "Check", "lastName": "W3-13",
                "groups": [group["path"] for group in groups],
                "credentials": [{"type": "password", "value": password, "temporary": False}],
            },
        )  # fmt: skip
        (made,) = await self.asked("GET", f"users?exact=true&username={name}")
        try:
            yield Leaver(name, made["id"], password, self)
        finally:
            await self.asked("DELETE", f"users/{made['id']}")


@contextlib.asynccontextmanager
async def administration(
    issuer: str, keys: Path | None, environ: Mapping[str, str] = os.environ
) -> AsyncIterator[Administration]:
    """Signed in as who administers.

    Raises:
        NoAdministrationError: nobody is named, or the issuer has none.

    """
    name, password = _login(keys, environ)
    origin, found, _ = issuer.partition(REALMS)
    if not found:
        raise NoAdministrationError(f"{issuer} is no realm of a Keycloak")
    master = environ.get("KEYCLOAK_ADMIN_REALM") or "master"
    async with wire.client() as http:
        answer = await http.post(
            f"{origin}{REALMS}{master}/protocol/openid-connect/token",
            data={
                "grant_type": "password", "client_id": "admin-cli", "username": name,
                "password": password,
            },
        )  # fmt: skip
        if answer.status_code != 200:
            raise NoAdministrationError(f"{origin} does not let {name} in: {answer.status_code}")
        yield Administration(issuer, http, str(answer.json()["access_token"]))


def _login(keys: Path | None, environ: Mapping[str, str]) -> tuple[str, str]:
    name = environ.get("KEYCLOAK_ADMIN_USERNAME") or "admin"
    if password := environ.get("KEYCLOAK_ADMIN_PASSWORD"):
        return name, password
    named = environ.get("KEYCLOAK_ADMIN_PASSWORD_FILE")
    file = Path(named) if named else keys / LOCAL if keys else None
    try:
        password = file.read_text("utf-8").strip() if file else ""
    except OSError:
        password = ""
    if not password:
        raise NoAdministrationError("nobody is named who administers it")
    return name, password
