"""private_key_jwt (RFC 7523): the gateway's only way in, and what bends it."""

import base64
import hmac
import time
import uuid
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from people import ASSERTION_TYPE, Issuer

NOW = int(time.time())
HS256 = b'{"alg":"HS256"}'


def own_token(issuer: Issuer, **fields: str) -> tuple[int, dict[str, Any]]:
    answer = issuer.ask(grant_type="client_credentials", **fields)
    return answer.status_code, answer.json()


@pytest.mark.parametrize("audience", ["issuer", "token endpoint"])
def test_the_assertion_is_for_the_issuer_or_its_token_endpoint(
    issuer: Issuer, audience: str
) -> None:
    aud = issuer.url if audience == "issuer" else issuer.token_url
    status, body = own_token(issuer, **issuer.assertion(issuer.aggregate, aud=aud))
    assert status == 200, body


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "http://evil.example/"},
        {"aud": None},
        {"exp": NOW - 60},
        {"exp": None},
        {"jti": None},
        {"iss": "mcp-host"},
        {"sub": "mcp-host"},
        {"sub": "nobody"},
        {"sub": None},
        {"iat": NOW + 3600, "exp": NOW + 3660},
    ],
    ids=" ".join,
)
def test_a_bent_assertion_is_refused(issuer: Issuer, changes: dict[str, Any]) -> None:
    status, body = own_token(issuer, **issuer.assertion(issuer.aggregate, **changes))
    assert status in {400, 401}
    assert body["error"] == "invalid_client"


def test_two_audiences_are_one_too_many(issuer: Issuer) -> None:
    both = [issuer.url, "http://evil.example/"]
    assert own_token(issuer, **issuer.assertion(issuer.aggregate, aud=both))[0] == 400


def test_an_assertion_works_once(issuer: Issuer) -> None:
    assertion = issuer.assertion(issuer.aggregate)
    assert own_token(issuer, **assertion)[0] == 200
    status, body = own_token(issuer, **assertion)
    assert (status, body["error"]) == (400, "invalid_client")


def forged(issuer: Issuer, header: dict[str, str], key: Any) -> dict[str, str]:
    claims: dict[str, Any] = {"iss": issuer.aggregate, "sub": issuer.aggregate, "aud": issuer.url}
    claims |= {"jti": str(uuid.uuid4()), "iat": NOW, "exp": int(time.time()) + 60}
    token = jwt.encode(header, claims, key, algorithms=[header["alg"]])
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


def test_another_key_does_not_speak_for_the_gateway(issuer: Issuer) -> None:
    own = RSAKey.import_key(issuer.key_file.read_bytes())
    stranger = RSAKey.generate_key(2048)
    status, body = own_token(
        issuer, **forged(issuer, {"alg": "RS256", "kid": own.thumbprint()}, stranger)
    )
    assert (status, body["error"]) == (400, "invalid_client")


def test_the_public_key_is_no_secret_to_sign_with(issuer: Issuer) -> None:
    public = RSAKey.import_key(issuer.key_file.read_bytes()).as_pem(private=False)
    body = issuer.assertion(issuer.aggregate)["client_assertion"].split(".")[1]
    signed = f"{_encoded(HS256)}.{body}"
    signature = _encoded(hmac.digest(public, signed.encode(), "sha256"))
    fields = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": f"{signed}.{signature}",
    }
    status, said = own_token(issuer, **fields)
    assert status in {400, 401}
    assert said["error"] in {"invalid_client", "unauthorized_client"}


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_an_unsigned_assertion_is_refused(issuer: Issuer) -> None:
    parts = issuer.assertion(issuer.aggregate)["client_assertion"].split(".")
    unsigned = f"eyJhbGciOiJub25lIn0.{parts[1]}."
    fields = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": unsigned}
    status, body = own_token(issuer, **fields)
    assert status in {400, 401}
    assert body["error"] in {"invalid_client", "unauthorized_client"}


def test_a_confidential_client_is_not_believed_by_name(issuer: Issuer) -> None:
    for fields in ({}, {"client_secret": "guess"}, {"client_secret": ""}):
        status, body = own_token(issuer, client_id=issuer.aggregate, **fields)
        assert status in {400, 401}
        assert body["error"] in {"invalid_client", "unauthorized_client"}


def test_client_id_and_assertion_must_agree(issuer: Issuer) -> None:
    assertion = issuer.assertion(issuer.aggregate)
    status, body = own_token(issuer, client_id="mcp-console", **assertion)
    assert (status, body["error"]) == (400, "invalid_client")


def test_backends_have_no_key_and_no_account(issuer: Issuer) -> None:
    status, body = own_token(issuer, **issuer.assertion("http://crm.internal/mcp"))
    assert (status, body["error"]) == (400, "invalid_client")


def test_clients_have_only_the_grants_they_need(issuer: Issuer) -> None:
    password = {"username": "ana", "password": issuer.password, "grant_type": "password"}
    for client_id in ("claude-code", "mcp-host"):
        answer = issuer.ask(client_id=client_id, **password)
        assert answer.json()["error"] == "unauthorized_client"
    answer = issuer.ask(**password, **issuer.assertion(issuer.aggregate))
    assert answer.json()["error"] == "unauthorized_client"
    assert own_token(issuer, **issuer.assertion("mcp-console"))[1]["error"] == "unauthorized_client"


def test_nobody_registers_a_client_uninvited(issuer: Issuer) -> None:
    answer = httpx2.post(
        f"{issuer.url}/clients-registrations/openid-connect",
        json={"client_name": "uninvited", "redirect_uris": ["http://evil.example/"]},
    )
    assert answer.status_code in {401, 403, 404}


def test_a_repeated_parameter_is_refused(issuer: Issuer) -> None:
    answer = issuer.ask(
        grant_type="client_credentials",
        scope=["srv:crm", "srv:docs"],  # type: ignore[arg-type]
        **issuer.assertion(issuer.aggregate),
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_request_without_a_grant_is_refused(issuer: Issuer) -> None:
    answer = issuer.ask(client_id="mcp-dev-cli")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
