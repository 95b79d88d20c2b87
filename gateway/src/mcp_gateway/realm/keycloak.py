"""The realm that Keycloak and the development issuer read: a hand-kept base plus what follows from
the gateway's configuration.

`derive` is pure. It adds one confidential client per host-facing endpoint and one per backend, each
with its canonical URL as clientId, the audience scopes between them, and roles named by policies.
No secret enters the result: of the gateway's assertion key it holds the public half.
"""

import argparse
import base64
import copy
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from mcp_gateway.configuration import settings
from mcp_gateway.realm.cimd import add_cimd
from mcp_gateway.realm.clients import (
    AGGREGATE,
    ROLE_SCOPE,
    Realm,
    audience_scopes,
    endpoint_clients,
)
from mcp_gateway.rights import policy

ROOT = Path(__file__).parents[4]
GATEWAY_URL = re.compile(r"\$\{GATEWAY_PUBLIC_URL(?::[^}]*)?\}")
ENDPOINT_DIGEST = "${ENDPOINT_DIGEST}"
# On what this project made, so that it never removes anything else. Adopted: there before, changed.
MARK, MADE, ADOPTED = "mcp.managed", "made", "adopted"


def derive(
    base: Mapping[str, Any],
    *,
    public_url: str,
    servers: Mapping[str, str],
    roles: Iterable[str],
    assertion_jwk: Mapping[str, Any],
    development: bool = True,
) -> Realm:
    """Pure and idempotent: deriving from a derived realm changes nothing.

    `servers` maps a server's name to its resource: its identity, not the address it is reached at.
    Outside development the demo people and the clients marked `mcp.development` are left out.
    """
    gateway = public_url.rstrip("/")
    if AGGREGATE in servers:
        raise ValueError(
            f"no server may be called {AGGREGATE!r}: aud:{AGGREGATE} is the aggregate's"
        )
    endpoints = {AGGREGATE: f"{gateway}/mcp"}
    endpoints |= {name: f"{gateway}/servers/{name}/mcp" for name in servers}
    if len({*endpoints.values(), *servers.values()}) < len(endpoints) + len(servers):
        raise ValueError("two endpoints or backends share one canonical URL")
    realm: Realm = _filled(copy.deepcopy(dict(base)), gateway)
    if not development:
        realm["users"] = []
        realm["clients"] = [c for c in realm["clients"] if not _marked(c, "mcp.development")]
    _add_roles(realm, roles)
    _put(realm["clientScopes"], "name", audience_scopes(endpoints, servers))
    _put(realm["clients"], "clientId", endpoint_clients(endpoints, servers))
    for client in realm["clients"]:
        if _marked(client, "mcp.host"):
            scopes = client["optionalClientScopes"]
            scopes.extend(s for s in _audiences(endpoints) if s not in scopes)
            client["redirectUris"] = _expanded(client["redirectUris"], endpoints.values())
        # a service of the base realm may prove itself with a key of its own
        ours = client.get("clientAuthenticatorType") == "client-jwt" and _authenticates(client)
        if ours and "jwks.string" not in client["attributes"]:
            client["attributes"] |= _key_attributes(assertion_jwk)
    add_cimd(realm, gateway)
    _mark(realm)
    return realm


def public_jwk(pem: bytes) -> dict[str, Any]:
    """The public half of the gateway's assertion key, named by its RFC 7638 thumbprint.

    Either half will do: whoever keeps the realm need not hold the gateway's secret.
    """
    public = b"PUBLIC KEY" in pem
    loaded = load_pem_public_key(pem) if public else load_pem_private_key(pem, password=None)
    key: RSAKey | ECKey
    if isinstance(loaded, RSAPrivateKey | RSAPublicKey):
        key, algorithm = RSAKey.import_key(pem), "RS256"
    elif (
        isinstance(loaded, EllipticCurvePrivateKey | EllipticCurvePublicKey)
        and loaded.curve.name == "secp256r1"
    ):
        key, algorithm = ECKey.import_key(pem), "ES256"
    else:
        # EdDSA as Keycloak names it is deprecated in JOSE, and the new name is unknown to Keycloak
        raise ValueError("the assertion key is RSA or P-256")
    return {
        **key.as_dict(private=False), "use": "sig", "alg": algorithm, "kid": key.thumbprint(),
    }  # fmt: skip


def endpoint_digest(url: str) -> str:
    """What Codex CLI appends to its callback path for a server's URL."""
    return base64.urlsafe_b64encode(hashlib.sha256(url.encode()).digest()[:9]).decode()


def _filled(value: Any, gateway: str) -> Any:
    if isinstance(value, str):
        return GATEWAY_URL.sub(gateway, value)
    if isinstance(value, list):
        return [_filled(item, gateway) for item in value]
    if isinstance(value, dict):
        return {key: _filled(item, gateway) for key, item in value.items()}
    return value


def _expanded(redirects: list[str], endpoints: Iterable[str]) -> list[str]:
    digests = [endpoint_digest(url) for url in endpoints]
    plain = [uri for uri in redirects if ENDPOINT_DIGEST not in uri]
    templates = [uri for uri in redirects if ENDPOINT_DIGEST in uri]
    return plain + [uri.replace(ENDPOINT_DIGEST, d) for uri in templates for d in digests]


def _add_roles(realm: Realm, roles: Iterable[str]) -> None:
    """A role that a policy names exists, and a group of its name carries it."""
    for role in sorted(roles):
        if role not in {known["name"] for known in realm["roles"]["realm"]}:
            realm["roles"]["realm"].append(
                {"name": role, "description": "Named by a policy.", "composite": False}
            )
        if role not in {group["name"] for group in realm["groups"]}:
            realm["groups"].append({"name": role, "path": f"/{role}", "realmRoles": [role]})
    # fullScopeAllowed is off everywhere: without this mapping realm_access would come out empty
    mappings = [m for m in realm.get("scopeMappings", []) if m.get("clientScope") != ROLE_SCOPE]
    everything = [role["name"] for role in realm["roles"]["realm"]]
    realm["scopeMappings"] = [*mappings, {"clientScope": ROLE_SCOPE, "roles": everything}]


def _audiences(endpoints: Mapping[str, str]) -> list[str]:
    return [f"aud:{name}" for name in endpoints]


def _mark(realm: Realm) -> None:
    for entry in (*realm["clients"], *realm["clientScopes"]):
        entry["attributes"] = {**entry.get("attributes", {}), MARK: MADE}
    for entry in (*realm["roles"]["realm"], *realm["groups"]):
        entry["attributes"] = {**entry.get("attributes", {}), MARK: [MADE]}


def _marked(client: Mapping[str, Any], attribute: str) -> bool:
    return bool(client["attributes"].get(attribute) == "true")


def _authenticates(client: Mapping[str, Any]) -> bool:
    return bool(client["serviceAccountsEnabled"] or client["standardFlowEnabled"])


def _key_attributes(jwk: Mapping[str, Any]) -> dict[str, str]:
    return {
        "use.jwks.string": "true",
        "jwks.string": json.dumps({"keys": [dict(jwk)]}, sort_keys=True),
        "token.endpoint.auth.signing.alg": str(jwk["alg"]),
    }


def _put(known: list[Realm], key: str, wanted: Iterable[Realm]) -> None:
    """Replace entries of the same name in place, append the others."""
    places = {entry[key]: place for place, entry in enumerate(known)}
    for entry in wanted:
        if entry[key] in places:
            known[places[entry[key]]] = entry
        else:
            known.append(entry)


def from_files(
    base: Path, config: Path, key: bytes, made: settings.Settings, *, development: bool
) -> Realm:
    """The realm of a clone: its base file and what its gateway exposes.

    Raises:
        ConfigError: a file of the gateway is wrong.
        ValueError: the base or the key is.

    """
    given = settings.load(config, made)
    listed = settings.servers(given, config)
    rules = policy.load(listed, config.parent / "agents.yaml", given.limits.timeout)
    return derive(
        json.loads(base.read_text(encoding="utf-8")),
        public_url=given.public_url,
        servers={server.name: server.resource for server in listed},
        roles=rules.roles,
        assertion_jwk=public_jwk(key),
        development=development,
    )


def _render(base: Path, config: Path, key: Path, out: Path, *, development: bool) -> None:
    made = settings.Settings()
    realm = from_files(base, config, key.read_bytes(), made, development=development)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(realm, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mcp_gateway.realm", description=__doc__)
    render = parser.add_subparsers(dest="verb", required=True).add_parser("render")
    render.add_argument("--out", type=Path, required=True, help="where the realm file goes")
    render.add_argument("--base", type=Path, default=ROOT / "infra/keycloak/realm.json")
    render.add_argument("--config", type=Path, default=ROOT / "gateway/gateway.yaml")
    render.add_argument("--production", action="store_true", help="no demo people, no test client")
    given = parser.parse_args(arguments)
    key = os.environ.get("GATEWAY_ASSERTION_KEY")
    if not key:
        sys.stderr.write("GATEWAY_ASSERTION_KEY: the path of the gateway's private key (PEM)\n")
        return 2
    try:
        _render(given.base, given.config, Path(key), given.out, development=not given.production)
    except (settings.ConfigError, OSError, KeyError, ValueError, JoseError) as wrong:
        sys.stderr.write(f"realm not rendered: {type(wrong).__name__}: {wrong}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
