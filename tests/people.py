"""Larkfield's people for tests: a running issuer, and tokens for those who sign in there."""

import contextlib
import json
import os
import secrets
import ssl
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from mcp_gateway.realm.keycloak import derive, public_jwk
from mcp_local.ports import free_port

ROOT = Path(__file__).parent.parent
BASE_REALM = ROOT / "infra" / "keycloak" / "realm.json"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GATEWAY = "http://localhost:8080"
START_SECONDS = 60
TRIES, AGAIN_SECONDS = 10, 0.3
# of issuers that run: a second one there would put its key in the place of the first one's
TAKEN: set[Path] = set()
TRUST = (
    ssl.create_default_context()
)  # made once: each client's own would be 30 ms of processor time


@dataclass(frozen=True)
class Issuer:
    """An issuer that answers at Keycloak's URLs, and the gateway's key for it."""

    url: str  # the `iss` of its tokens
    gateway: str
    password: str
    key_file: Path
    pid: int | None = None
    admin_password: str | None = None  # Keycloak's own: opens its administration API

    @property
    def protocol(self) -> str:
        return f"{self.url}/protocol/openid-connect"

    @property
    def jwks_url(self) -> str:
        return f"{self.protocol}/certs"

    @property
    def token_url(self) -> str:
        return f"{self.protocol}/token"

    @property
    def aggregate(self) -> str:
        return f"{self.gateway}/mcp"

    def endpoint(self, server: str) -> str:
        return f"{self.gateway}/servers/{server}/mcp"

    def ask(self, **form: str) -> httpx2.Response:
        """A POST to the token endpoint."""
        return httpx2.post(self.token_url, data=form, verify=TRUST)

    def token(self, person: str, scope: str = "aud:mcp") -> str:
        """A person's access token by the development client's password grant.

        While Keycloak still counts a sign-in of theirs it looks at no password: then again.
        """
        for again in range(TRIES if self.admin_password is not None else 1):
            time.sleep(AGAIN_SECONDS if again else 0)
            answer = self.ask(
                grant_type="password",
                client_id="mcp-dev-cli",
                username=person,
                password=self.password,
                scope=scope,
            )
            if answer.status_code != HTTPStatus.UNAUTHORIZED:
                break
        answer.raise_for_status()
        access: str = answer.json()["access_token"]
        return access

    def claims(self, token: str) -> dict[str, Any]:
        """What a token says, once its signature is found right with the published keys."""
        published = httpx2.get(self.jwks_url, verify=TRUST).json()["keys"]
        keys = KeySet.import_key_set({"keys": [k for k in published if k.get("use") == "sig"]})
        return dict(jwt.decode(token, keys, algorithms=["RS256"]).claims)

    def post(self, endpoint: str, **form: str) -> httpx2.Response:
        """A POST to another endpoint of the protocol."""
        return httpx2.post(f"{self.protocol}/{endpoint}", data=form, verify=TRUST)

    def assertion(self, client_id: str, **changes: Any) -> dict[str, str]:
        """Form fields of private_key_jwt with the gateway's key; `changes` bend its claims."""
        key = RSAKey.import_key(self.key_file.read_bytes())
        now = int(time.time())
        said = {"iss": client_id, "sub": client_id, "aud": self.url, "iat": now, "exp": now + 60}
        claims = {**said, "jti": str(uuid.uuid4()), **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": key.thumbprint()}
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": jwt.encode(header, claims, key, algorithms=["RS256"]),
        }

    def exchange(self, token: str, server: str, *, at: str | None = None) -> httpx2.Response:
        """What the gateway does: a person's token becomes one for a server's backend."""
        return self.ask(
            grant_type=EXCHANGE,
            subject_token=token,
            subject_token_type=ACCESS_TOKEN,
            requested_token_type=ACCESS_TOKEN,
            scope=f"srv:{server}",
            audience=f"http://{server}.internal/mcp",
            **self.assertion(at or self.aggregate),
        )


def render(
    folder: Path,
    *,
    public_url_of_gateway: str,
    servers: Iterable[str],
    roles: Iterable[str],
    changes: Mapping[str, Any],
) -> tuple[Path, Path]:
    """A realm file and the gateway's private key, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    key_file, realm_file = folder / "assertion.pem", folder / "realm.json"
    key_file.touch(mode=0o600)
    key_file.write_bytes(RSAKey.generate_key(2048).as_pem(private=True))
    realm = derive(
        json.loads(BASE_REALM.read_text(encoding="utf-8")),
        public_url=public_url_of_gateway,
        servers={name: f"http://{name}.internal/mcp" for name in servers},
        roles=roles,
        assertion_jwk=public_jwk(key_file.read_bytes()),
    )
    for key, value in changes.items():
        realm[key] = [*realm[key], *value] if isinstance(value, list) else value
    realm_file.write_text(json.dumps(realm), encoding="utf-8")
    return realm_file, key_file


@contextlib.contextmanager
def running_issuer(
    folder: Path,
    *,
    public_url_of_gateway: str = GATEWAY,
    servers: Sequence[str] = ("warehouse", "crm", "docs"),
    roles: Iterable[str] = (),
    changes: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Iterator[Issuer]:
    """The development issuer as a process of its own, on a free port unless one is given.

    `changes` to the realm file: a list is appended to the realm's, anything else replaces it.
    """
    if folder in TAKEN:
        raise ValueError(f"{folder} is another issuer's, which still runs")
    realm_file, key_file = render(
        folder,
        public_url_of_gateway=public_url_of_gateway,
        servers=servers,
        roles=roles,
        changes=changes or {},
    )
    port, password = port or free_port(), secrets.token_urlsafe(16)
    origin = f"http://localhost:{port}"
    variables = {
        "IDP_REALM_FILE": str(realm_file),
        "IDP_PORT": str(port),
        "IDP_PUBLIC_URL": origin,
        "DEMO_PASSWORD": password,
        **(environment or {}),
    }
    with (folder / "idp.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox_idp"], env={**os.environ, **variables}, stderr=log
        )
    TAKEN.add(folder)
    try:
        _await(f"{origin}/healthz", process, folder / "idp.log")
        yield Issuer(f"{origin}/realms/mcp", public_url_of_gateway, password, key_file, process.pid)
    finally:
        TAKEN.discard(folder)
        process.terminate()
        process.wait(timeout=10)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(url, verify=TRUST).status_code == 200:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the issuer did not start: {log.read_text(encoding='utf-8')}")
