"""Guessing is bounded, and says no more to a guesser than a wrong password does."""

import json
import time

from browser import Browser
from identity.signing_keys import administration
from people import BASE_REALM, Issuer

COUNTED_SECONDS = 30


def guess(issuer: Issuer, username: str, password: str) -> tuple[int, str]:
    answer = issuer.ask(
        grant_type="password", client_id="mcp-dev-cli", username=username, password=password
    )
    return answer.status_code, answer.text


def until_counted(issuer: Issuer, username: str) -> None:
    """Keycloak counts beside the answer. Asking with the right password would not do for waiting:
    while the account is still open, that counts from nought again.
    """
    if issuer.admin_password is None:
        return
    admin = administration(issuer)
    user = admin.get_user_id(username)
    assert user is not None
    deadline = time.monotonic() + COUNTED_SECONDS
    while not admin.get_bruteforce_detection_status(user)["disabled"]:
        assert time.monotonic() < deadline, "the account is open"
        time.sleep(0.1)


def test_a_wrong_name_and_a_wrong_password_look_alike(issuer: Issuer) -> None:
    assert guess(issuer, "olu", "wrong") == guess(issuer, "nobody", "wrong")


def test_an_account_closes_after_too_many_wrong_passwords(issuer: Issuer) -> None:
    limit = json.loads(BASE_REALM.read_text())["failureFactor"]
    answers = {guess(issuer, "fay", f"wrong {n}") for n in range(limit)}
    assert len(answers) == 1
    until_counted(issuer, "fay")
    # closed: the right password looks as wrong as the others, here and at the form
    assert guess(issuer, "fay", issuer.password) in answers
    browser = Browser(issuer)
    page = browser.submit(browser.open(), username="fay", password=issuer.password)
    assert page.status_code == 200
    assert "Invalid" in page.text
