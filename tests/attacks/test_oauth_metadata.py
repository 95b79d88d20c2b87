"""O: what the gateway says of itself as a resource, and what it is not: no issuer, and no proxy of one."""

import json

import pytest
from attacks.forge import challenge, listener, offering
from attacks.oracle import unharmed
from house.asks import error_of
from house.house import GATEWAY, House
from people import BASE_REALM

from mcp_gateway.listing.discovery import WELL_KNOWN

EVIL = "evil.example"
FORGED = [
    {"host": EVIL}, {"host": f"{EVIL}:8080"}, {"host": f"localhost:8080@{EVIL}"}, {"host": ""},
    {"x-forwarded-host": EVIL}, {"x-forwarded-server": EVIL}, {"x-original-host": EVIL},
    {"forwarded": f"host={EVIL};proto=https"}, {"x-forwarded-proto": "https"}, {"x-host": EVIL},
    {"x-forwarded-port": "1"}, {"x-forwarded-prefix": "/evil"}, {"x-original-url": f"https://{EVIL}/"},
    {"x-rewrite-url": "/evil"}, {"origin": f"https://{EVIL}"}, {"referer": f"https://{EVIL}/"},
]  # fmt: skip
REALM = json.loads(BASE_REALM.read_text("utf-8"))
# where an authorization server, or a proxy that stands in for one, would answer
ISSUERS_PATHS = [
    "/authorize", "/oauth/authorize", "/oauth2/authorize", "/token", "/oauth/token", "/register",
    "/oauth/register", "/revoke", "/introspect", "/consent", "/callback", "/oauth/callback", "/jwks",
    "/auth/callback", "/login", "/logout", "/userinfo", "/device", "/par", "/mcp/authorize",
    "/mcp/token", "/mcp/register", "/console/register", "/console/token", "/console/authorize",
    *(f"/.well-known/{name}{path}" for path in ("", "/mcp", "/servers/numbers/mcp") for name in (
        "oauth-authorization-server", "openid-configuration", "jwks.json", "oauth-client",
    )),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "endpoint"), [("/mcp", ""), ("", ""), ("/servers/numbers/mcp", "numbers")]
)
async def test_O01_resource_metadata_comes_from_configuration_alone(
    home: House, path: str, endpoint: str
) -> None:
    async with unharmed(home, records=0) as told:
        plain = told.answer(await home.http.get(WELL_KNOWN + path))
        document = plain.json()
        assert document["resource"] == GATEWAY + (path or "/mcp")
        assert document["authorization_servers"] == [home.issuer.url]
        assert document["scopes_supported"] == [f"aud:{endpoint or 'mcp'}"]
        assert document["bearer_methods_supported"] == ["header"]
        for forged in FORGED:
            answer = await home.http.get(WELL_KNOWN + path, headers=forged)
            assert told.answer(answer).content == plain.content, forged
            # the way there, in the challenge, is no other either; a foreign Host gets none at all
            bare = {"authorization": None, **forged}
            refused = told.answer(await home.post("tools/list", endpoint=endpoint, headers=bare))
            foreign = {"host", "origin"} & set(forged)
            assert refused.status_code == (403 if foreign else 401), forged
            said = refused.headers.get("www-authenticate")
            assert said == (None if foreign else challenge(endpoint))
            assert EVIL not in refused.text + str(refused.headers)
        for other in (
            "/servers/none/mcp",
            "/servers/numbers",
            "/mcp/",
            "/x",
            "/servers//mcp",
            "//mcp",
        ):
            answer = told.answer(await home.http.get(WELL_KNOWN + other))
            assert answer.status_code == 404, other
            assert "location" not in answer.headers


async def test_O06_the_gateway_stands_in_for_no_issuer_and_shares_no_registration(
    home: House,
) -> None:
    async with unharmed(home, records=0) as told:
        client = {
            "client_id": "mcp-host", "redirect_uri": f"https://{EVIL}/cb", "response_type": "code",
            "state": "s", "code_challenge": "x" * 43, "code_challenge_method": "S256",
        }  # fmt: skip
        for path in ISSUERS_PATHS:
            for answer in (
                await home.http.get(path, params=client), await home.http.post(path, data=client),
                await home.http.post(path, json={"redirect_uris": [f"https://{EVIL}/cb"]}),
            ):  # fmt: skip
                told.answer(answer)
                assert answer.status_code in {404, 405}, path
                assert "location" not in answer.headers
                assert "set-cookie" not in answer.headers
        # consent is the issuer's, and each host's own: no client of people does without
        people = [one for one in REALM["clients"] if one["attributes"].get("mcp.host") == "true"]
        asking = {one["clientId"] for one in people if one["consentRequired"]}
        assert {one["clientId"] for one in people} - asking == {"mcp-dev-cli"}  # development alone
        # towards a server it is the endpoint itself that asks, in the person's name
        told.answer(await home.post("resources/list"))
        sent, _ = home.server.seen[-1]
        claims = home.issuer.claims(sent["authorization"].removeprefix("Bearer "))
        assert claims["azp"] == f"{GATEWAY}/mcp"
        assert claims["preferred_username"] == "ana"


async def test_O09_an_address_in_place_of_a_client_id_is_never_fetched(home: House) -> None:
    metadata = (await home.http.get(f"{WELL_KNOWN}/mcp")).json()
    assert "client_id_metadata_document_supported" not in metadata
    async with listener() as (port, connections):
        addresses = addresses_of(port)
        async with offering(home, records=len(addresses)) as offered:
            for address in addresses:
                # as the client of a token: a name like any other, that no policy has
                answer = await offered.call(offered.mint.token(azp=address))
                assert error_of(answer)["code"] == -32602
                # and as everything else that holds an address of somebody's choosing
                link = offered.mint.token(
                    {"jku": address, "x5u": address}, iss=address, _claim_sources={"s": {"endpoint": address}}
                )  # fmt: skip
                await offered.refused(link, "issuer", "signature", "not a signed token")
            reasons = {one["reason"] for one in await home.records(kind="refusal")}
            assert reasons == {"unknown_agent"}
        assert connections == []


def addresses_of(port: int) -> list[str]:
    """Ways to write an address of this machine or of a cloud's inside."""
    hosts = (
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0x7f.1",
        "2130706433",
        "127.1",
        "0",
    )
    return [
        *(f"http://{host}:{port}/client.json" for host in hosts),
        f"https://127.0.0.1:{port}/client.json", f"http://x@127.0.0.1:{port}/", "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/", f"gopher://127.0.0.1:{port}/_x", f"//127.0.0.1:{port}",
    ]  # fmt: skip
