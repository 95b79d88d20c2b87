"""The realm seen from outside: what its tokens say, and whom it turns away."""

import base64
import json
import ssl
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from keycloak import KeycloakAdmin

from mcp_gateway.realm.keycloak import public_jwk
from mcp_realm.apply_found import asked
from mcp_realm.apply_target import Target

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECONDS = 20
ASSERTION_SECONDS = 60
NOWHERE = "http://127.0.0.1:9/callback"  # discard: nothing is ever sent there
FLOW = "standardFlowEnabled"


@dataclass(frozen=True)
class Finding:
    good: bool
    words: str


def verify(target: Target, admin: KeycloakAdmin) -> Iterator[Finding]:
    """One line for each promise; a broken one says what was seen."""
    with httpx2.Client(
        timeout=SECONDS, trust_env=False, verify=ssl.create_default_context()
    ) as http:
        yield _issuer(http, target)
        yield from _hosts(admin, target)
        if b"PRIVATE KEY" in target.key:
            yield from _exchange_clients(http, target)
        yield _pkce(http, target)
        yield _registration(http, target)


def _issuer(http: httpx2.Client, target: Target) -> Finding:
    url = f"{target.base}/realms/{target.name}/.well-known/openid-configuration"
    said = _document(http.get(url)).get("issuer")
    if said == target.issuer:
        return Finding(True, f"tokens are issued by {target.issuer}")
    return Finding(
        False,
        f"tokens are issued by {said}, gateway.yaml says {target.issuer}: start Keycloak with "
        f"--hostname={target.issuer.partition('/realms/')[0]}",
    )


def _hosts(admin: KeycloakAdmin, target: Target) -> Iterator[Finding]:
    """Keycloak's own preview of a token, as a host would get it for each endpoint."""
    ids = {client["clientId"]: client["id"] for client in admin.get_clients()}
    someone = admin.get_client_service_account_user(ids[next(iter(target.endpoints))])["id"]
    wrong = []
    for host in target.hosts:
        path = (
            f"admin/realms/{target.name}/clients/{ids[host]}"
            "/evaluate-scopes/generate-example-access-token"
        )
        for endpoint, scope in target.endpoints.items():
            token = asked(admin, path, scope=f"openid {scope}", userId=someone)
            if (audience := _listed(token.get("aud"))) != [endpoint]:
                wrong.append(f"{host} asking {scope} gets {', '.join(audience) or 'no audience'}")
    if wrong:
        yield Finding(False, f"{'; '.join(wrong[:3])} (see the foreign mappers and scopes above)")
    else:
        yield Finding(
            True,
            f"a token for each of {len(target.endpoints)} endpoints names it alone, "
            f"for each of {len(target.hosts)} hosts",
        )


def _exchange_clients(http: httpx2.Client, target: Target) -> Iterator[Finding]:
    """The gateway's key opens each endpoint's client, and leads to its own backends only."""
    pairs = [(e, *pair) for e in target.endpoints for pair in target.reaches(e).items()]
    wrong = []
    for endpoint, scope, backend in pairs:
        answer = http.post(
            f"{target.base}/realms/{target.name}/protocol/openid-connect/token",
            data={
                "grant_type": "client_credentials",
                "scope": scope,
                "client_assertion_type": ASSERTION,
                "client_assertion": _assertion(target, endpoint),
            },
        )
        said = _document(answer)
        if answer.status_code != 200:
            why = said.get("error_description") or said.get("error") or answer.status_code
            wrong.append(f"{endpoint} with the gateway's key: {why}")
        elif (audience := _audience(said["access_token"])) != [backend]:
            wrong.append(f"{endpoint} asking {scope} gets {', '.join(audience)}")
    if wrong:
        yield Finding(False, "; ".join(wrong[:3]))
    else:
        yield Finding(
            True, f"the gateway's key opens each endpoint, and leads to its backends: {len(pairs)}"
        )


def _pkce(http: httpx2.Client, target: Target) -> Finding:
    (host,) = [c for c in target.derived["clients"] if c["attributes"].get("mcp.host") and c[FLOW]][
        :1
    ]
    asked_for = {
        "response_type": "code",
        "client_id": host["clientId"],
        "redirect_uri": host["redirectUris"][0],
        "scope": "openid",
        "state": "verify",
    }
    url = f"{target.base}/realms/{target.name}/protocol/openid-connect/auth"
    answer = http.get(url, params=asked_for)
    if answer.status_code >= 400 or "error=" in answer.headers.get("location", ""):
        return Finding(True, "sign-in without PKCE is refused")
    return Finding(False, f"sign-in without PKCE was begun for {host['clientId']}")


def _registration(http: httpx2.Client, target: Target) -> Finding:
    url = f"{target.base}/realms/{target.name}/clients-registrations/openid-connect"
    answer = http.post(url, json={"client_name": "verify", "redirect_uris": [NOWHERE]})
    if answer.status_code in (401, 403):
        return Finding(True, "nobody registers a client without a token")
    said = _document(answer)
    if "registration_client_uri" in said:  # it was let in: what was registered goes again
        token = said.get("registration_access_token", "")
        http.delete(f"{url}/{said['client_id']}", headers={"authorization": f"Bearer {token}"})
    return Finding(False, f"anybody may register a client ({answer.status_code})")


def _assertion(target: Target, client: str) -> str:
    public = public_jwk(target.key)
    key: RSAKey | ECKey = (
        RSAKey.import_key(target.key) if public["kty"] == "RSA" else ECKey.import_key(target.key)
    )
    now = int(time.time())
    claims = {
        "iss": client, "sub": client, "aud": target.issuer, "iat": now,
        "exp": now + ASSERTION_SECONDS, "jti": str(uuid.uuid4()),
    }  # fmt: skip
    header = {"alg": public["alg"], "kid": public["kid"]}
    return jwt.encode(header, claims, key, algorithms=[public["alg"]])


def _audience(token: str) -> list[str]:
    """Read, not believed: this looks at what an issuer of ours wrote."""
    body = token.split(".")[1]
    return _listed(json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))).get("aud"))


def _listed(audience: object) -> list[str]:
    if audience is None:
        return []
    return [str(one) for one in audience] if isinstance(audience, list) else [str(audience)]


def _document(answer: httpx2.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
