"""A person at a browser, as far as forms and cookies go: enough for any issuer's sign-in pages."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
from people import TRUST, Issuer

PAGES = 30  # sign-in, also tried again, consent and redirects between them
AGAIN_SECONDS = 0.3


class _Forms(HTMLParser):
    """The page's first form: where it goes and what it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: dict[str, str] = {}
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None and said.get("method", "").lower() == "post":
            self.action, self._inside = said["action"], True
        if tag == "input" and self._inside and said.get("type") != "submit" and said.get("name"):
            self.fields[said["name"]] = said.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


def _local_jar() -> CookieJar:
    """Like a browser, it takes loopback for a secure context."""
    return CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))


@dataclass
class Pkce:
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@dataclass
class Browser:
    """One cookie jar in front of one issuer."""

    issuer: Issuer
    client_id: str = "mcp-host"
    redirect_uri: str = "http://127.0.0.1:43123/callback"
    pkce: Pkce = field(default_factory=Pkce)
    jar: CookieJar = field(default_factory=_local_jar)

    def get(self, url: str, **params: str) -> httpx2.Response:
        with httpx2.Client(cookies=self.jar, verify=TRUST) as client:
            return client.get(url, params=params or None)

    def open(self, **changes: str | None) -> httpx2.Response:
        """The authorization endpoint; None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid aud:mcp",
            "state": "s-1",
            "code_challenge": self.pkce.challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        params = {name: value for name, value in asked.items() if value is not None}
        return self.get(f"{self.issuer.protocol}/auth", **params)

    def submit(self, page: httpx2.Response, **fields: str) -> httpx2.Response:
        forms = _Forms()
        forms.feed(page.text)
        assert forms.action, f"no form on this page: {page.status_code} {page.text[:400]}"
        action = urljoin(str(page.url), forms.action)
        with httpx2.Client(cookies=self.jar, verify=TRUST) as client:
            return client.post(action, data={**forms.fields, **fields})

    def sign_in(
        self, person: str, password: str | None = None, **changes: str | None
    ) -> dict[str, str]:
        """Parameters of the redirect back to the client, after sign-in and consent."""
        page = self.open(**changes)
        who = {"username": person, "password": password or self.issuer.password}
        shown = 0
        for _ in range(PAGES):
            if 300 <= page.status_code < 400:
                target = page.headers["location"]
                if target.startswith(self.redirect_uri):
                    return callback(page)
                page = self.get(urljoin(str(page.url), target))
            elif 'name="password"' in page.text:
                shown += 1
                if shown > 1:
                    # while Keycloak still counts a sign-in of theirs it looks at no password; a
                    # person tries again, too
                    time.sleep(AGAIN_SECONDS)
                page = self.submit(page, **who)
            else:
                page = self.submit(page, accept="Yes")
        raise AssertionError(f"no way back to the client: {page.text[:400]}")

    def redeem(self, code: str, **changes: Any) -> httpx2.Response:
        asked: dict[str, Any] = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "code": code,
            "code_verifier": self.pkce.verifier,
            **changes,
        }
        return self.issuer.ask(**{name: value for name, value in asked.items() if value})

    def tokens(self, person: str, **changes: str | None) -> dict[str, Any]:
        """The whole code flow."""
        answer = self.redeem(self.sign_in(person, **changes)["code"])
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said


def callback(answer: httpx2.Response) -> dict[str, str]:
    """What a redirect tells the client, in its query or its fragment."""
    assert 300 <= answer.status_code < 400, f"{answer.status_code} {answer.text[:400]}"
    parts = urlsplit(answer.headers["location"])
    return dict(parse_qsl(parts.query or parts.fragment))
