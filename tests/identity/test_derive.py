"""The realm as derived: everything a listed server needs, nothing that opens more."""

import copy
import json
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey
from people import BASE_REALM, ROOT

from mcp_gateway.realm.keycloak import MADE, MARK, derive, endpoint_digest, public_jwk

KEY = RSAKey.generate_key(2048)
JWK = public_jwk(KEY.as_pem(private=True))
BASE: dict[str, Any] = json.loads(BASE_REALM.read_text(encoding="utf-8"))
SERVERS = {"billing": "http://billing.internal/mcp", "stock": "https://stock.example/mcp"}
GATEWAY = "https://mcp.example"


def derived(base: dict[str, Any] = BASE, **changes: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "public_url": GATEWAY,
        "servers": SERVERS,
        "roles": {"analyst", "bookkeeper"},
        "assertion_jwk": JWK,
    }
    return derive(base, **{**facts, **changes})


def clients(realm: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {client["clientId"]: client for client in realm["clients"]}


def test_deriving_twice_changes_nothing() -> None:
    once = derived()
    assert derived(once) == once


def test_the_base_is_left_alone() -> None:
    before = copy.deepcopy(BASE)
    derived()
    assert before == BASE


def test_every_endpoint_and_backend_is_a_client_of_its_own_url() -> None:
    found = clients(derived())
    for url in (f"{GATEWAY}/mcp", f"{GATEWAY}/servers/billing/mcp", f"{GATEWAY}/servers/stock/mcp"):
        assert found[url]["attributes"]["resource_url"] == url
        assert found[url]["attributes"]["standard.token.exchange.enabled"] == "true"
        assert found[url]["clientAuthenticatorType"] == "client-jwt"
        assert found[url]["serviceAccountsEnabled"]
    for url in SERVERS.values():
        backend = found[url]
        assert backend["attributes"] == {"resource_url": url, MARK: MADE}
        for flow in ("standardFlow", "implicitFlow", "directAccessGrants", "serviceAccounts"):
            assert not backend[f"{flow}Enabled"], flow


def test_an_endpoint_reaches_its_own_backend_and_the_aggregate_all() -> None:
    found = clients(derived())
    assert found[f"{GATEWAY}/mcp"]["optionalClientScopes"] == ["srv:billing", "srv:stock"]
    assert found[f"{GATEWAY}/servers/stock/mcp"]["optionalClientScopes"] == ["srv:stock"]


def test_each_audience_scope_has_one_mapper_and_is_never_default() -> None:
    realm = derived()
    scopes = {scope["name"]: scope for scope in realm["clientScopes"]}
    wanted = {
        "aud:mcp": f"{GATEWAY}/mcp",
        "aud:billing": f"{GATEWAY}/servers/billing/mcp",
        "aud:stock": f"{GATEWAY}/servers/stock/mcp",
        "srv:billing": SERVERS["billing"],
        "srv:stock": SERVERS["stock"],
    }
    for name, audience in wanted.items():
        (mapper,) = scopes[name]["protocolMappers"]
        assert mapper["config"]["included.client.audience"] == audience
        assert mapper["config"]["access.token.claim"] == "true"
        assert mapper["config"]["id.token.claim"] == "false"
    for client in realm["clients"]:
        assert not set(wanted) & set(client["defaultClientScopes"])


def test_hosts_may_ask_for_every_endpoint_and_for_no_backend() -> None:
    hosts = [c for c in derived()["clients"] if c["attributes"].get("mcp.host") == "true"]
    assert len(hosts) >= 6
    for host in hosts:
        assert host["optionalClientScopes"] == ["aud:mcp", "aud:billing", "aud:stock"]


def test_roles_of_policies_exist_are_carried_and_pass_the_filter() -> None:
    realm = derived()
    assert {"analyst", "bookkeeper"} <= {role["name"] for role in realm["roles"]["realm"]}
    (group,) = [group for group in realm["groups"] if group["name"] == "bookkeeper"]
    assert group["realmRoles"] == ["bookkeeper"]
    (mapping,) = [m for m in realm["scopeMappings"] if m.get("clientScope") == "mcp-roles"]
    assert set(mapping["roles"]) == {role["name"] for role in realm["roles"]["realm"]}
    assert not any(client["fullScopeAllowed"] for client in realm["clients"])


def test_no_secret_enters_the_realm() -> None:
    text = json.dumps(derived())
    for private in KEY.as_dict(private=True).keys() - KEY.as_dict(private=False).keys():
        assert f'"{private}"' not in text
        assert str(KEY.as_dict(private=True)[private]) not in text
    assert "PRIVATE KEY" not in text
    for client in derived()["clients"]:
        assert "secret" not in client
    for user in derived()["users"]:
        assert [c["value"] for c in user["credentials"]] == ["${DEMO_PASSWORD}"]


def test_only_clients_that_authenticate_get_the_key() -> None:
    for name, client in clients(derived()).items():
        holds = "jwks.string" in client["attributes"]
        assert holds == (name == "mcp-console" or name.startswith(GATEWAY)), name
        if holds:
            (key,) = json.loads(client["attributes"]["jwks.string"])["keys"]
            assert key["kid"] == KEY.thumbprint()


def test_a_service_that_brings_its_own_key_keeps_it() -> None:
    own = json.dumps({"keys": [public_jwk(RSAKey.generate_key(2048).as_pem(private=True))]})
    service = copy.deepcopy(clients(derived())[f"{GATEWAY}/mcp"])
    service |= {"clientId": "nightly", "attributes": {"jwks.string": own}}
    base = {**BASE, "clients": [*BASE["clients"], service]}
    assert clients(derived(base))["nightly"]["attributes"]["jwks.string"] == own


def test_the_console_follows_the_gateways_address() -> None:
    console = clients(derived())["mcp-console"]
    assert console["redirectUris"] == [f"{GATEWAY}/console/callback"]
    assert console["attributes"]["post.logout.redirect.uris"] == f"{GATEWAY}/console/"
    assert "GATEWAY_PUBLIC_URL" not in json.dumps(derived())


def test_codex_gets_one_callback_for_each_endpoint() -> None:
    redirects = clients(derived())["codex-cli"]["redirectUris"]
    for url in (f"{GATEWAY}/mcp", f"{GATEWAY}/servers/stock/mcp"):
        assert f"http://127.0.0.1/callback/{endpoint_digest(url)}" in redirects
    assert "ENDPOINT_DIGEST" not in json.dumps(derived())


def test_production_has_no_demo_people_and_no_password_grant() -> None:
    realm = derived(development=False)
    assert realm["users"] == []
    assert not any(client["directAccessGrantsEnabled"] for client in realm["clients"])
    assert "mcp-dev-cli" not in clients(realm)
    assert "DEMO_PASSWORD" not in json.dumps(realm)


@pytest.mark.parametrize(
    "servers",
    [
        {"mcp": "http://mcp.internal/mcp"},
        {"a": "http://same.internal/mcp", "b": "http://same.internal/mcp"},
        {"a": f"{GATEWAY}/mcp"},
    ],
)
def test_two_things_with_one_identity_are_refused(servers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"aggregate|canonical"):
        derived(servers=servers)


@given(
    names=st.sets(st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True), max_size=5),
    roles=st.sets(st.sampled_from(["analyst", "new-one", "other"])),
)
def test_no_list_of_servers_opens_a_wildcard(names: set[str], roles: set[str]) -> None:
    servers = {name: f"http://{name}.internal/mcp" for name in names - {"mcp"}}
    realm = derived(servers=servers, roles=roles)
    assert derived(realm, servers=servers, roles=roles) == realm
    for client in realm["clients"]:
        assert not any("*" in uri or uri == "+" for uri in client["redirectUris"])
        assert not any("*" in origin or origin == "+" for origin in client["webOrigins"])


def test_keys_keycloak_understands_are_taken_and_others_refused() -> None:
    def pem(key: Any) -> bytes:
        return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    assert public_jwk(pem(ec.generate_private_key(ec.SECP256R1())))["alg"] == "ES256"
    assert JWK["alg"] == "RS256"
    for key in (ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(ValueError, match="RSA or P-256"):
            public_jwk(pem(key))


def test_the_public_half_of_the_key_says_the_same() -> None:
    """Whoever keeps the realm need not hold the gateway's secret."""
    assert public_jwk(KEY.as_pem(private=False)) == JWK


def test_what_is_made_here_is_marked_as_ours() -> None:
    """Only what holds the mark is ever removed from a running Keycloak."""
    realm = derived()
    for thing in (*realm["clients"], *realm["clientScopes"]):
        assert thing["attributes"][MARK] == MADE
    for thing in (*realm["roles"]["realm"], *realm["groups"]):
        assert thing["attributes"][MARK] == [MADE]


def believing(domains: str) -> dict[str, Any]:
    return derived({**BASE, "attributes": {"mcp.cimd.trusted-domains": domains}})


def policies(realm: dict[str, Any]) -> list[str]:
    return [one["name"] for one in realm["clientPolicies"]["policies"]]


def test_hosts_that_describe_themselves_are_refused_until_somebody_is_believed() -> None:
    assert "mcp-cimd" not in json.dumps(derived())
    realm = believing("claude.ai, *.host.example")
    assert policies(realm) == ["pkce-for-everyone", "mcp-cimd"]
    (condition,) = realm["clientPolicies"]["policies"][1]["conditions"]
    believed = condition["configuration"]["client-id-uri-allow-permitted-domains"]
    assert believed == ["*.host.example", "claude.ai"]
    assert condition["configuration"]["client-id-uri-scheme"] == ["https"]
    # such a host asks for an endpoint as every other does
    assert realm["defaultOptionalClientScopes"] == ["aud:mcp", "aud:billing", "aud:stock"]
    assert "mcp-roles" in realm["defaultDefaultClientScopes"]
    # turned off again, the policy goes
    off = {**realm, "attributes": {"mcp.cimd.trusted-domains": ""}}
    assert policies(derived(off)) == ["pkce-for-everyone"]
    assert derived(off) == {**derived(), "attributes": off["attributes"]}


@pytest.mark.parametrize("domains", ["*", "*.", "*.com", "evil*", "mcp.example", "*.example"])
def test_nobody_believes_everybody_nor_the_gateways_own_domain(domains: str) -> None:
    with pytest.raises(ValueError, match="trusted-domains"):
        believing(domains)


def test_every_agent_is_a_client_of_the_realm() -> None:
    """agents.yaml narrows clients; a name that no client has narrows nobody."""
    given_agents = yaml.safe_load((ROOT / "gateway" / "agents.yaml").read_text())["agents"]
    assert set(given_agents) <= set(clients(BASE))
