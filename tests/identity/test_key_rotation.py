"""Keys come and go: in time nobody notices, after a theft the old one counts no more."""

import base64
import json

from browser import Browser
from identity import signing_keys
from people import Issuer


def kid(token: str) -> str:
    head = token.partition(".")[0]
    said: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return said


def test_a_new_key_signs_and_tokens_of_the_one_before_go_on(
    issuer: Issuer, browser: Browser
) -> None:
    tokens = browser.tokens("ana")
    old = tokens["access_token"]
    signing_keys.replace(issuer)
    new = issuer.token("ana")
    assert kid(new) != kid(old)
    assert {kid(new), kid(old)} <= signing_keys.published(issuer)
    assert issuer.claims(old)["preferred_username"] == issuer.claims(new)["preferred_username"]
    assert issuer.exchange(old, "crm").status_code == 200
    again = issuer.ask(
        grant_type="refresh_token", client_id="mcp-host", refresh_token=tokens["refresh_token"]
    )
    assert kid(again.json()["access_token"]) == kid(new)


def test_a_withdrawn_key_opens_nothing(issuer: Issuer) -> None:
    old = issuer.token("ana")
    signing_keys.replace(issuer)
    assert issuer.exchange(old, "crm").status_code == 200
    signing_keys.withdraw(issuer)
    assert kid(old) not in signing_keys.published(issuer)
    assert issuer.exchange(old, "crm").json()["error"] == "invalid_request"
    said = issuer.post("token/introspect", token=old, **issuer.assertion(issuer.aggregate))
    assert said.json() == {"active": False}
    assert issuer.exchange(issuer.token("ana"), "crm").status_code == 200
