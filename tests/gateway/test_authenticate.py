"""Tokens at the door, row by row of the attack table's part T."""

import asyncio
import base64
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from joserfc import jwk
from tokens import ISSUER, a_token, key_set, signing_key

from mcp_gateway.authenticate import Authenticate
from mcp_gateway.call import Principal
from mcp_gateway.refusals import Refusal
from mcp_shared.tokens import LAST_GOOD_SECONDS, REFETCH_SECONDS, KeySource

GATEWAY = "http://localhost:8080"
AUDIENCES = {"": f"{GATEWAY}/mcp", "docs": f"{GATEWAY}/servers/docs/mcp"}


class Keys:
    """The issuer's key set: counts how often it is asked, and can be away or slow."""

    def __init__(self, *keys: jwk.RSAKey) -> None:
        self.keys = list(keys) or [signing_key]
        self.asked = 0
        self.away = False

    async def __call__(self) -> Mapping[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise httpx2.ConnectError("away")
        return await key_set(*self.keys)()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def door(keys: Keys | None = None, clock: Clock | None = None) -> Authenticate:
    return Authenticate(
        keys=KeySource(keys or Keys(), clock or time.monotonic),
        issuer=ISSUER,
        audiences=AUDIENCES,
        scopes={"": "aud:mcp", "docs": "aud:docs"},
        metadata={"": f"{GATEWAY}/m", "docs": f"{GATEWAY}/m/docs"},
    )


async def enter(token: str, at: Authenticate | None = None, endpoint: str = "") -> Principal:
    return await (at or door())([f"Bearer {token}"], endpoint)


async def refused(token: str, at: Authenticate | None = None, endpoint: str = "") -> Refusal:
    with pytest.raises(Refusal) as caught:
        await enter(token, at, endpoint)
    assert caught.value.http == 401
    ((name, challenge),) = caught.value.headers
    assert name == "WWW-Authenticate"
    assert challenge.startswith('Bearer error="invalid_token", scope="aud:')
    assert "resource_metadata=" in challenge
    assert caught.value.reason not in challenge
    return caught.value


def b64(data: bytes | dict[str, Any]) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def signed(header: dict[str, Any], claims: bytes, key: jwk.RSAKey = signing_key) -> str:
    """Signed as it stands: what a library would refuse to sign."""
    text = f"{b64({'alg': 'RS256', 'typ': 'JWT', 'kid': key.kid, **header})}.{b64(claims)}"
    private: Any = key.private_key
    return f"{text}.{b64(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def claims_of(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.split(".")[1] + "==")


def with_header(**header: Any) -> str:
    """A good token whose header says something else; the signature stays."""
    _, claims, signature = a_token().split(".")
    return f"{b64({'alg': 'RS256', 'typ': 'JWT', 'kid': signing_key.kid, **header})}.{claims}.{signature}"


async def test_a_good_token_is_a_person_and_their_agent() -> None:
    who = await enter(a_token())
    assert (who.username, who.agent) == ("ana", "mcp-dev-cli")
    assert who.roles == {"analyst"}
    assert who.groups == {"analyst", "region-all"}
    assert "token" not in repr(who)


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", "NONE", "", None])
async def test_T01_no_algorithm_is_none(algorithm: Any) -> None:
    token = with_header(alg=algorithm)
    unsigned = token.rpartition(".")[0] + "."
    for one in (token, unsigned, unsigned[:-1]):
        await refused(one)


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_T02_the_public_key_is_no_shared_secret(algorithm: str) -> None:
    _, claims, _ = a_token().split(".")
    signed = f"{b64({'alg': algorithm, 'typ': 'JWT', 'kid': signing_key.kid})}.{claims}"
    public = signing_key.as_dict(private=False)
    secrets_to_try = [
        signing_key.as_pem(private=False), signing_key.as_der(private=False),
        json.dumps(public).encode(), str(public["n"]).encode(), b"",
    ]  # fmt: skip
    for secret in secrets_to_try:
        digest = hmac.digest(secret, signed.encode(), algorithm.replace("HS", "sha"))
        await refused(f"{signed}.{b64(digest)}")


@pytest.mark.parametrize(
    "algorithm",
    [
        "rs256",
        "RS256 ",
        " RS256",
        "RS256\u0000",
        "RS512",
        "PS256",
        "EdDSA",
        ["RS256"],
        {"alg": "RS256"},
        5,
    ],
)
async def test_T03_only_the_configured_algorithms_count(algorithm: Any) -> None:
    await refused(with_header(alg=algorithm))


async def test_T04_a_flood_of_unknown_keys_asks_the_issuer_once() -> None:
    keys, clock = Keys(), Clock()
    at = door(keys, clock)
    await enter(a_token(), at)
    assert keys.asked == 1
    stranger = jwk.RSAKey.generate_key(2048, {"kid": "x"})
    tokens = [a_token(key=stranger, header={"kid": secrets.token_hex(4)}) for _ in range(200)]
    clock.now += REFETCH_SECONDS + 1
    results = await asyncio.gather(*(enter(token, at) for token in tokens), return_exceptions=True)
    assert all(isinstance(one, Refusal) and one.http == 401 for one in results)
    assert keys.asked == 2
    await enter(a_token(jti="another"), at)
    assert keys.asked == 2
    clock.now += REFETCH_SECONDS + 1
    await refused(tokens[0], at)
    assert keys.asked == 3


@pytest.mark.parametrize("kid", [None, 5, [], "", "../../etc/passwd", "' OR 1=1"])
async def test_T04_a_key_id_is_only_ever_looked_up(kid: Any) -> None:
    await refused(with_header(kid=kid))


async def test_T06_a_token_cannot_bring_its_own_key() -> None:
    listener_saw = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener_saw.append(1)
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
    mallory = jwk.RSAKey.generate_key(2048, {"kid": "k1"})
    own = mallory.as_dict(private=False)
    for header in (
        {"jku": url},
        {"x5u": url},
        {"jwk": own},
        {"x5c": ["MIIB"]},
        {"jku": url, "kid": "new"},
    ):
        await refused(signed(header, claims_of(a_token()), mallory))
    await refused(signed({"crit": ["exp"]}, claims_of(a_token())))
    assert await enter(signed({}, claims_of(a_token())))
    server.close()
    assert listener_saw == []


@pytest.mark.parametrize(
    "audience",
    [
        None, "", [], "account", AUDIENCES["docs"], "http://docs.internal/mcp", f"{GATEWAY}/mcp/",
        f"{GATEWAY}/MCP", GATEWAY, "http://localhost:8080/mcp#x", [AUDIENCES[""], AUDIENCES["docs"]],
        [AUDIENCES["docs"]], {"x": 1}, [5], 5, [AUDIENCES[""], None], True,
    ],
)  # fmt: skip
async def test_T08_T09_only_this_endpoint_and_it_alone_may_be_the_audience(audience: Any) -> None:
    await refused(a_token(aud=audience))


async def test_T09_a_token_known_at_one_endpoint_is_still_refused_at_another() -> None:
    at = door()
    token = a_token()
    await enter(token, at)
    await refused(token, at, "docs")
    other = a_token(aud=AUDIENCES["docs"])
    await enter(other, at, "docs")
    await refused(other, at)
    await enter(token, at)


@pytest.mark.parametrize(
    "issuer",
    [None, [ISSUER], f"{ISSUER}/", "http://localhost:8081/realms/other", ISSUER.upper(), "", 5, {"x": 1}, f" {ISSUER}"],
)  # fmt: skip
async def test_T11_only_the_exact_issuer_counts(issuer: Any) -> None:
    await refused(a_token(iss=issuer))


@pytest.mark.parametrize(
    "kind", ["ID", "Refresh", "Offline", "Logout", "bearer", "", 5, ["Bearer"]]
)
async def test_T13_T14_only_an_access_token_opens(kind: Any) -> None:
    await refused(a_token(typ=kind))


@pytest.mark.parametrize(
    "kind", ["id+jwt", "logout+jwt", "dpop+jwt", "JOSE", "oauth-id-jag+jwt", "", 5]
)
async def test_T13_neither_does_another_kind_of_jwt(kind: Any) -> None:
    await refused(signed({"typ": kind}, claims_of(a_token())))
    assert await enter(a_token(header={"typ": "at+jwt"}))


async def test_T15_an_expired_token_is_expired() -> None:
    now = int(time.time())
    await refused(a_token(exp=now - 32, iat=now - 300))
    assert await enter(a_token(exp=now - 25, iat=now - 300))  # both clocks may differ by 30 s


async def test_T15_a_known_token_expires_too(monkeypatch: pytest.MonkeyPatch) -> None:
    at, token = door(), a_token()
    await enter(token, at)
    later = time.time() + 331
    monkeypatch.setattr("mcp_gateway.authenticate.time.time", lambda: later)
    assert (await refused(token, at)).reason == "expired"
    await refused(token, at)


@pytest.mark.parametrize(
    "expires", [None, "9999999999", 9999999999.5, -1, 0, 2**63, 2**53, True, [], {}, "soon"]
)
async def test_T16_an_expiry_is_a_whole_number_of_seconds(expires: Any) -> None:
    await refused(a_token(exp=expires))


async def test_T16_a_number_beyond_range_is_no_expiry() -> None:
    raw = claims_of(a_token()).decode()
    for bad in ("1e999", "NaN", "Infinity"):
        bent = raw.replace(f'"exp":{json.loads(raw)["exp"]}', f'"exp":{bad}')
        assert bent != raw
        await refused(signed({}, bent.encode()))


@pytest.mark.parametrize(
    "bent",
    [
        {"nbf": 60}, {"iat": 60, "exp": 120}, {"exp": 10 * 365 * 86_400}, {"exp": 3_700},
        {"iat": -10 * 86_400},
    ],
)  # fmt: skip
async def test_T17_the_future_and_the_far_too_long_are_refused(bent: dict[str, int]) -> None:
    now = int(time.time())
    moved: dict[str, Any] = {name: now + value for name, value in bent.items()}
    await refused(a_token(**moved))
    spelt: dict[str, Any] = {name: str(value) for name, value in moved.items()}
    await refused(a_token(**spelt))


@pytest.mark.parametrize(
    "authorization",
    [
        [], [""], ["Bearer"], ["Bearer "], ["Bearer  x"], ["Basic YTpi"], ["bearer\tx"], ["Token x"],
        ["Bearer a", "Bearer b"], ["DPoP x"], ["Bearerx"],
    ],
)  # fmt: skip
async def test_T21_what_is_not_one_bearer_token_gets_a_bare_challenge(
    authorization: list[str],
) -> None:
    with pytest.raises(Refusal) as caught:
        await door()(authorization, "")
    ((_, challenge),) = caught.value.headers
    assert caught.value.http == 401
    assert "error=" not in challenge


@pytest.mark.parametrize(
    "token",
    [
        "sk-live-1234567890",
        "a.b.c",
        "..",
        ".",
        "x" * 20_000,
        "\xff.\xff.\xff",
        "e30.e30.e30",
        "a.b.c.d.e",
    ],
)
async def test_T22_what_is_fabricated_is_nobody(token: str) -> None:
    await refused(token)


@pytest.mark.parametrize("azp", [None, "", 5, AUDIENCES[""], AUDIENCES["docs"]])
async def test_a_token_of_the_gateway_itself_or_of_no_client_is_refused(azp: Any) -> None:
    await refused(a_token(azp=azp))


async def test_O16_a_client_of_its_own_is_a_service_and_its_roles_are_not_the_tokens() -> None:
    roles = {"roles": ["analyst"]}
    name = "service-account-nightly"
    service = await enter(a_token(azp="Nightly", preferred_username=name, realm_access=roles))
    assert (service.service, service.agent, service.roles) == (True, "Nightly", frozenset())
    person = await enter(a_token(preferred_username="ana", realm_access=roles))
    assert not person.service
    assert person.roles == {"analyst"}


@pytest.mark.parametrize("azp", ["mcp-host", "nightly2", "service-account-nightly"])
async def test_O16_a_service_account_comes_only_from_its_own_client(azp: str) -> None:
    token = a_token(azp=azp, preferred_username="service-account-nightly")
    assert (await refused(token)).reason == "a service account of another client"


async def test_only_a_verified_token_is_known() -> None:
    at, token = door(), a_token()
    assert not at.knows([f"Bearer {token}"])
    await enter(token, at)
    assert at.knows([f"Bearer {token}"])
    assert not at.knows([f"Bearer {token}", f"Bearer {token}"])
    assert not at.knows([])
    assert not at.knows([f"Bearer {token}x"])


@pytest.mark.parametrize(
    "bent",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"preferred_username": None},
        {"preferred_username": 5},
        {"sub": "x" * 600},
    ],
)
async def test_a_token_of_no_person_is_refused(bent: dict[str, Any]) -> None:
    await refused(a_token(**bent))


@pytest.mark.parametrize(
    "roles",
    [
        None,
        "analyst",
        {"roles": "analyst"},
        {"roles": {"analyst": 1}},
        {"roles": [5, None, ""]},
        [],
    ],
)
async def test_roles_of_another_form_are_no_roles(roles: Any) -> None:
    assert (await enter(a_token(realm_access=roles))).roles == frozenset()


async def test_T25_a_new_key_is_found_and_a_removed_one_runs_out() -> None:
    keys, clock = Keys(), Clock()
    at = door(keys, clock)
    await enter(a_token(), at)
    new = jwk.RSAKey.generate_key(2048, {"kid": "k2", "use": "sig", "alg": "RS256"})
    keys.keys = [new]
    clock.now += REFETCH_SECONDS + 1
    await enter(a_token(key=new), at)
    assert keys.asked == 2
    await refused(a_token(jti="signed with the removed key"), at)


async def test_T25_an_encryption_key_signs_nothing() -> None:
    odd = jwk.RSAKey.generate_key(2048, {"kid": "k3", "use": "enc"})
    await refused(signed({}, claims_of(a_token()), odd), door(Keys(signing_key, odd)))


async def test_with_the_issuer_away_known_keys_serve_for_an_hour() -> None:
    keys, clock = Keys(), Clock()
    at = door(keys, clock)
    await enter(a_token(), at)
    keys.away = True
    clock.now += LAST_GOOD_SECONDS - 1
    await enter(a_token(jti="b"), at)
    clock.now += 2
    with pytest.raises(Refusal) as caught:
        await enter(a_token(jti="c"), at)
    assert (caught.value.http, caught.value.code) == (503, "issuer_unavailable")
    keys.away = False
    clock.now += REFETCH_SECONDS + 1
    await enter(a_token(jti="d"), at)


async def test_the_door_remembers_only_so_many_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_gateway.authenticate.CACHED_TOKENS", 3)
    at = door()
    for count in range(6):
        await enter(a_token(jti=f"t{count}"), at)
    assert len(at._verified) == 3
