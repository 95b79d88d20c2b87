"""Guessing is bounded, and says no more to a guesser than a wrong password does."""

import json
import time

from browser import Browser
from identity.signing_keys import administration
from people import BASE_REALM, Issuer

CLOSED_SECONDS = 60


def guess(issuer: Issuer, username: str, password: str) -> tuple[int, str]:
    answer = issuer.ask(
        grant_type="password", client_id="mcp-dev-cli", username=username, password=password
    )
    return answer.status_code, answer.text


def closed(issuer: Issuer, username: str) -> bool:
    """Asked of Keycloak itself: while an account is open, its right password would count from
    nought again. The development issuer has counted when it answers.
    """
    if issuer.admin_password is None:
        return True
    admin = administration(issuer)
    user = admin.get_user_id(username)
    assert user is not None
    disabled: bool = admin.get_bruteforce_detection_status(user)["disabled"]
    return disabled


def test_a_wrong_name_and_a_wrong_password_look_alike(issuer: Issuer) -> None:
    assert guess(issuer, "olu", "wrong") == guess(issuer, "nobody", "wrong")


def test_an_account_closes_after_too_many_wrong_passwords(issuer: Issuer) -> None:
    limit = json.loads(BASE_REALM.read_text())["failureFactor"]
    answers = {guess(issuer, "fay", f"wrong {n}") for n in range(limit)}
    # Keycloak counts beside its answer, and looks at no password while it still does so: on a busy
    # machine some of these were neither looked at nor counted
    deadline = time.monotonic() + CLOSED_SECONDS
    while not closed(issuer, "fay"):
        assert time.monotonic() < deadline, "the account is open"
        answers.add(guess(issuer, "fay", "wrong again"))
    assert len(answers) == 1
    # closed: the right password looks as wrong as the others, here and at the form
    assert guess(issuer, "fay", issuer.password) in answers
    browser = Browser(issuer)
    page = browser.submit(browser.open(), username="fay", password=issuer.password)
    assert page.status_code == 200
    assert "Invalid" in page.text
