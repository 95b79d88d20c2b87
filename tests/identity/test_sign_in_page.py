"""The issuer's own pages in a real browser: sign-in, consent, and the way back to a host's port."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit

import headless
import pytest
from browser import Browser
from people import Issuer
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait

SECONDS = 30
# no script has run on it: what the page itself holds has to do
PAGE = b"<!doctype html><title>host</title><p id=arrived>You may close this window."

pytestmark = headless.needed


@dataclass
class Host:
    """A host on this machine that waits for its callback on a port the system chose."""

    port: int
    heard: "queue.Queue[dict[str, str]]" = field(default_factory=queue.Queue)

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/callback"


@pytest.fixture
def host() -> Iterator[Host]:
    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/callback":
                waiting.heard.put(dict(parse_qsl(parts.query)))
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE)

        def log_message(self, *_: object) -> None:
            """A test's output is its own."""

    server = HTTPServer(("127.0.0.1", 0), Callback)
    waiting = Host(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield waiting
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


@pytest.fixture(scope="module")
def window() -> Iterator[WebDriver]:
    with headless.chromium() as driver:
        yield driver


@pytest.fixture
def driver(window: WebDriver) -> WebDriver:
    """A browser in which nobody has signed in yet."""
    window.execute_cdp_cmd("Network.clearBrowserCookies", {})
    return window


def begin(driver: WebDriver, person: Browser, **changes: str) -> None:
    asked = {
        "client_id": person.client_id,
        "redirect_uri": person.redirect_uri,
        "response_type": "code",
        "scope": "openid aud:mcp",
        "resource": person.issuer.aggregate,
        "state": "s-1",
        "code_challenge": person.pkce.challenge,
        "code_challenge_method": "S256",
        **changes,
    }
    driver.get(f"{person.issuer.protocol}/auth?{urlencode(asked)}")


def waited(driver: WebDriver) -> "WebDriverWait[WebDriver]":
    """Until something holds, also where a page is drawn anew meanwhile."""
    return WebDriverWait(driver, SECONDS, ignored_exceptions=(StaleElementReferenceException,))


def enter(driver: WebDriver, username: str, password: str) -> None:
    def typed(page: WebDriver) -> bool:
        for name, text in (("username", username), ("password", password)):
            page.find_element(By.ID, name).clear()
            page.find_element(By.ID, name).send_keys(text)
        return True

    waited(driver).until(typed)
    driver.find_element(By.ID, "kc-login").click()


def allow(driver: WebDriver) -> None:
    """Keycloak asks on a page of its own; the development issuer on the form itself."""
    WebDriverWait(driver, SECONDS).until(
        lambda d: d.find_elements(By.ID, "arrived") or d.find_elements(By.NAME, "accept")
    )
    for button in driver.find_elements(By.NAME, "accept"):
        button.click()


def test_a_person_signs_in_and_the_hosts_own_port_hears_it(
    issuer: Issuer, driver: WebDriver, host: Host
) -> None:
    person = Browser(issuer, redirect_uri=host.redirect_uri)
    begin(driver, person)
    enter(driver, "ana", issuer.password)
    allow(driver)
    back = host.heard.get(timeout=SECONDS)
    assert (back["state"], back["iss"]) == ("s-1", issuer.url)
    tokens = person.redeem(back["code"]).json()
    access = issuer.claims(tokens["access_token"])
    assert (access["aud"], access["preferred_username"]) == (issuer.aggregate, "ana")


def test_a_wrong_password_says_so_and_the_right_one_then_works(
    issuer: Issuer, driver: WebDriver, host: Host
) -> None:
    person = Browser(issuer, redirect_uri=host.redirect_uri)
    begin(driver, person)
    enter(driver, "ben", "wrong")
    waited(driver).until(
        lambda d: "Invalid" in d.find_element(By.CSS_SELECTOR, "[id^=input-error]").text
    )
    assert host.heard.empty()
    enter(driver, "ben", issuer.password)
    allow(driver)
    assert "code" in host.heard.get(timeout=SECONDS)


def test_who_does_not_allow_it_gives_the_host_nothing(
    issuer: Issuer, driver: WebDriver, host: Host
) -> None:
    begin(driver, Browser(issuer, redirect_uri=host.redirect_uri))
    if not driver.find_elements(By.NAME, "cancel"):
        enter(driver, "cho", issuer.password)
    WebDriverWait(driver, SECONDS).until(lambda d: d.find_element(By.NAME, "cancel")).click()
    back = host.heard.get(timeout=SECONDS)
    assert (back["error"], back["state"]) == ("access_denied", "s-1")
    assert back["iss"] == issuer.url
    assert "code" not in back


def test_a_challenge_of_another_kind_never_reaches_the_form(
    issuer: Issuer, driver: WebDriver, host: Host
) -> None:
    person = Browser(issuer, redirect_uri=host.redirect_uri)
    begin(driver, person, code_challenge=person.pkce.verifier, code_challenge_method="plain")
    back = host.heard.get(timeout=SECONDS)
    assert (back["error"], back["iss"]) == ("invalid_request", issuer.url)


def test_the_sign_in_page_cannot_be_framed(issuer: Issuer, browser: Browser) -> None:
    policy = browser.open().headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy or "frame-ancestors 'self'" in policy
    assert "object-src 'none'" in policy or "default-src 'none'" in policy
