"""RFC 8693 by the rules of Keycloak's standard token exchange."""

import time

import pytest
from people import ACCESS_TOKEN, EXCHANGE, Issuer

CRM = "http://crm.internal/mcp"


def asked(issuer: Issuer, token: str, **changes: str | None) -> dict[str, str]:
    """A right exchange for the crm backend, bent by `changes`; None leaves a field out."""
    form: dict[str, str | None] = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "requested_token_type": ACCESS_TOKEN,
        "scope": "srv:crm",
        "audience": CRM,
        **issuer.assertion(issuer.aggregate),
        **changes,
    }
    return {name: value for name, value in form.items() if value is not None}


def test_a_persons_token_becomes_one_for_the_backend(issuer: Issuer) -> None:
    token = issuer.token("ben")
    answer = issuer.exchange(token, "crm")
    assert answer.status_code == 200
    body = answer.json()
    assert body["issued_token_type"] == ACCESS_TOKEN
    assert "refresh_token" not in body
    before, after = issuer.claims(token), issuer.claims(body["access_token"])
    assert after["aud"] == CRM
    assert after["azp"] == issuer.aggregate
    assert after["jti"] != before["jti"]
    for claim in ("sub", "sid", "preferred_username", "name", "email", "groups", "realm_access"):
        assert after[claim] == before[claim], claim
    assert "act" not in after


@pytest.mark.parametrize("server", ["warehouse", "crm", "docs"])
def test_a_servers_own_endpoint_reaches_its_backend_and_no_other(
    issuer: Issuer, server: str
) -> None:
    token, endpoint = issuer.token("ana", f"aud:{server}"), issuer.endpoint(server)
    said = issuer.claims(issuer.exchange(token, server, at=endpoint).json()["access_token"])
    assert said["aud"] == f"http://{server}.internal/mcp"
    for other in {"warehouse", "crm", "docs"} - {server}:
        answer = issuer.exchange(token, other, at=endpoint)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_a_client_outside_the_tokens_audience_is_refused(issuer: Issuer) -> None:
    for scope, at in (("aud:mcp", issuer.endpoint("crm")), ("aud:crm", issuer.aggregate)):
        answer = issuer.exchange(issuer.token("ana", scope), "crm", at=at)
        assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": "no.jwt.here"}, "invalid_request"),
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": ACCESS_TOKEN.replace("access", "id")}, "invalid_request"),
        ({"subject_token_type": ACCESS_TOKEN.replace("access", "refresh")}, "invalid_request"),
        ({"requested_token_type": ACCESS_TOKEN.replace("access", "refresh")}, "invalid_request"),
        ({"requested_token_type": "nonsense"}, "invalid_request"),
        ({"audience": "http://docs.internal/mcp"}, "invalid_request"),
        ({"audience": "http://nobody.example/"}, "invalid_client"),
        ({"scope": None}, "invalid_request"),
        ({"scope": "srv:nobody"}, "invalid_scope"),
        ({"scope": "aud:crm"}, "invalid_scope"),
        ({"client_assertion": None, "client_assertion_type": None}, "invalid_client"),
        ({"grant_type": EXCHANGE + "s"}, "unsupported_grant_type"),
    ],
)
def test_a_bent_exchange_is_refused(
    issuer: Issuer, changes: dict[str, str | None], error: str
) -> None:
    answer = issuer.ask(**asked(issuer, issuer.token("ana"), **changes))
    assert answer.status_code in {400, 401}
    assert answer.json()["error"] == error


@pytest.mark.parametrize("name", ["requested_subject", "requested_issuer", "subject_issuer"])
@pytest.mark.parametrize("value", ["", "ben"])
def test_the_older_exchanges_parameters_are_refused_even_empty(
    issuer: Issuer, name: str, value: str
) -> None:
    answer = issuer.ask(**asked(issuer, issuer.token("ana"), **{name: value}))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert name in answer.json()["error_description"]


def test_audience_narrows_what_the_scopes_give(issuer: Issuer) -> None:
    token = issuer.token("ana")
    answer = issuer.ask(**asked(issuer, token, scope="srv:crm srv:docs"))
    assert issuer.claims(answer.json()["access_token"])["aud"] == CRM
    answer = issuer.ask(**asked(issuer, token, scope="srv:crm srv:docs", audience=None))
    said = issuer.claims(answer.json()["access_token"])
    assert set(said["aud"]) == {CRM, "http://docs.internal/mcp"}


def test_public_clients_and_backends_do_not_exchange(issuer: Issuer) -> None:
    token = issuer.token("ana")
    public = asked(issuer, token, client_assertion=None, client_assertion_type=None)
    answer = issuer.ask(**public, client_id="mcp-dev-cli")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = issuer.ask(**{**asked(issuer, token), **issuer.assertion(CRM)})
    assert answer.json()["error"] == "invalid_client"
    answer = issuer.ask(**{**asked(issuer, token), **issuer.assertion("mcp-console")})
    assert answer.json()["error"] == "invalid_request"


def test_only_access_tokens_are_exchanged(issuer: Issuer) -> None:
    tokens = issuer.ask(
        grant_type="password",
        client_id="mcp-dev-cli",
        username="ana",
        password=issuer.password,
        scope="openid aud:mcp",
    ).json()
    for kind in ("id_token", "refresh_token"):
        answer = issuer.exchange(tokens[kind], "crm")
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_tampered_token_is_not_exchanged(issuer: Issuer) -> None:
    head, body, signature = issuer.token("ana").split(".")
    for token in (f"{head}.{body}.", f"{head}.{body}.{signature[::-1]}", f"{head}.{body}"):
        assert issuer.exchange(token, "crm").json()["error"] == "invalid_request"


def test_the_gateways_own_token_stands_for_no_person(issuer: Issuer) -> None:
    answer = issuer.ask(
        grant_type="client_credentials", scope="srv:crm", **issuer.assertion(issuer.aggregate)
    )
    assert "refresh_token" not in answer.json()
    said = issuer.claims(answer.json()["access_token"])
    assert said["aud"] == CRM
    assert said["azp"] == issuer.aggregate
    assert said["preferred_username"].startswith("service-account-")
    assert "realm_access" not in said
    assert "groups" not in said
    assert said["exp"] <= time.time() + 301
