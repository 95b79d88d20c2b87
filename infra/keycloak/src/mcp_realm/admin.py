"""The door to Keycloak's administration: who signs in, and what each way of failing means."""

import contextlib
import json
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from keycloak import KeycloakAdmin, KeycloakOpenIDConnection
from keycloak.exceptions import KeycloakError

from mcp_shared.settings import is_loopback

OLDEST = (26, 2)  # standard token exchange is there and on
SECONDS = 30
LOGIN = (
    "KEYCLOAK_ADMIN_USERNAME and KEYCLOAK_ADMIN_PASSWORD_FILE "
    "(or KEYCLOAK_ADMIN_CLIENT_ID and KEYCLOAK_ADMIN_CLIENT_SECRET_FILE)"
)


class CannotError(Exception):
    """It cannot be done; one sentence says why and what would help."""


@dataclass(frozen=True)
class Login:
    """Who administers: a person of `realm`, or a client of its own."""

    name: str
    secret: str = field(repr=False)
    realm: str = "master"
    client: bool = False


def login(environ: Mapping[str, str] = os.environ, local: Path | None = None) -> Login:
    """From variables or the files they name; `local` is where a stack of this machine has it.

    Raises:
        CannotError: nothing says who administers, or a file cannot be read.

    """
    realm = environ.get("KEYCLOAK_ADMIN_REALM") or "master"
    if client := environ.get("KEYCLOAK_ADMIN_CLIENT_ID"):
        return Login(client, _secret(environ, "KEYCLOAK_ADMIN_CLIENT_SECRET"), realm, client=True)
    name = environ.get("KEYCLOAK_ADMIN_USERNAME") or "admin"
    asked = {"KEYCLOAK_ADMIN_PASSWORD", "KEYCLOAK_ADMIN_PASSWORD_FILE"} & environ.keys()
    if not asked and local is not None and local.is_file():
        return Login(name, local.read_text("utf-8").strip(), realm)
    return Login(name, _secret(environ, "KEYCLOAK_ADMIN_PASSWORD"), realm)


def _secret(environ: Mapping[str, str], name: str) -> str:
    if file := environ.get(f"{name}_FILE"):
        try:
            found = Path(file).read_text("utf-8").strip()
        except OSError as error:
            raise CannotError(f"{name}_FILE: {file}: {error.strerror}") from error
    else:
        found = environ.get(name, "")
    if not found:
        raise CannotError(f"Nobody is named who administers Keycloak: set {LOGIN}.")
    return found


def signed_in(base: str, realm: str, who: Login) -> KeycloakAdmin:
    """Signed in, and answered by a Keycloak that is new enough.

    Raises:
        CannotError: away, a wrong password, too old, or not a Keycloak.

    """
    if base.startswith("http://") and not is_loopback(base):
        raise CannotError(
            f"{base} is not https: the administrator's password would travel in clear. "
            "Set KEYCLOAK_URL to an https address, or run this on Keycloak's own machine."
        )
    if authority := os.environ.get("SSL_CERT_FILE"):  # requests has a variable of its own
        os.environ.setdefault("REQUESTS_CA_BUNDLE", authority)
    connection = KeycloakOpenIDConnection(
        server_url=f"{base}/",
        realm_name=realm,
        user_realm_name=who.realm,
        timeout=SECONDS,
        username=None if who.client else who.name,
        password=None if who.client else who.secret,
        client_id=who.name if who.client else "admin-cli",
        client_secret_key=who.secret if who.client else None,
    )
    with in_words(base, who):
        connection.get_token()
    return KeycloakAdmin(connection=connection)


def version(admin: KeycloakAdmin) -> str:
    """The server's version; "unknown" to administrators of one realm, who may not see it.

    Raises:
        CannotError: it is too old.

    """
    answer = admin.connection.raw_get("admin/serverinfo")
    found = str(_json(answer).get("systemInfo", {}).get("version") or "unknown")
    numbers = found.split(".")
    if numbers[0].isdecimal() and (*map(int, filter(str.isdecimal, numbers[:2])),) < OLDEST:
        raise CannotError(
            f"Keycloak {found} is too old: the gateway exchanges tokens as Keycloak does from "
            f"{'.'.join(map(str, OLDEST))} on. Upgrade it; 26.7.5 is what this was tested with."
        )
    return found


def feature(admin: KeycloakAdmin, name: str) -> bool | None:
    """Whether an optional feature is on; None where the server does not tell."""
    told = _json(admin.connection.raw_get("admin/serverinfo")).get("features") or []
    states = [one.get("enabled") for one in told if one.get("name") == name]
    return bool(states[0]) if states else (False if told else None)


def _json(answer: requests.Response) -> dict[str, Any]:
    try:
        found = answer.json() if answer.status_code == 200 else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def in_words(base: str, who: Login, doing: str = "") -> Iterator[None]:
    """Turn what python-keycloak raises into one sentence.

    Raises:
        CannotError: always instead of the library's own.

    """
    try:
        yield
    except KeycloakError as error:
        raise CannotError(_words(error, base, who, doing)) from error


def _words(error: KeycloakError, base: str, who: Login, doing: str) -> str:
    told = _told(error)
    away = error.response_code is None or error.response_code in (502, 503, 504)
    if error.response_code == 401 or "invalid_grant" in told or "unauthorized_client" in told:
        return (
            f"Keycloak at {base} does not let {who.name} of realm {who.realm} in: {told}. "
            f"Check {LOGIN}."
        )
    if error.response_code == 403:
        return (
            f"{who.name} may not{f' ({doing})' if doing else ''}: Keycloak at {base} answered 403. "
            f"Give them manage-realm, manage-clients, manage-users and view-events of the realm's "
            f"realm-management client, or create-realm to make a realm."
        )
    if away and (why := _cause(error)):
        return f"Keycloak does not answer at {base}: {why}. Start it, or set KEYCLOAK_URL."
    if error.response_code == 404:
        return f"{base} has no administration here ({doing or 'sign-in'}: 404): is it a Keycloak?"
    return f"Keycloak at {base}{f', {doing}' if doing else ''}: {error.response_code or ''} {told}"


def _told(error: KeycloakError) -> str:
    """Keycloak's own words, without what it might repeat of ours."""
    body = error.response_body or b""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if isinstance(said, dict):
        keys = ("error", "error_description", "errorMessage")
        words = [str(said[key]) for key in keys if said.get(key)]
        return ": ".join(words)[:300] or "no reason given"
    return str(error.error_message)[:200]


def _cause(error: BaseException) -> str:
    seen: BaseException | None = error
    words = "no answer"
    while seen is not None:
        text = str(seen)
        if isinstance(seen, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in text:
            return "its certificate is not trusted here; set SSL_CERT_FILE to its authority"
        if isinstance(seen, ConnectionRefusedError):
            words = "connection refused"
        elif "Name or service not known" in text or "getaddrinfo" in text:
            words = "no such host"
        elif "timed out" in text:
            words = "timed out"
        seen = seen.__cause__ or seen.__context__
    return words
