"""An issuer shaped like Entra ID, on a socket of its own: what Keycloak brokers in these tests.

Written after Microsoft's pages on the v2.0 endpoint: the tenant in the issuer, `oid` and `tid`, a
`sub` that differs for each application, groups as ids, and beyond 200 of them a link instead of a
list. Like the real one it forgives no redirect URI that is not registered, checks PKCE where a
challenge was sent, spends a code once and keeps people signed in by a cookie. Stricter than the
real one: PKCE is required.
"""

import contextlib
import html
import secrets
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from identity.brokers.directory import TENANT, Application, Person, challenge, claims
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from mcp_local.ports import free_port

COOKIE = "ESTSAUTH"


@dataclass
class Code:
    person: Person
    asked: dict[str, str]
    until: float


class RefusedError(Exception):
    """With the code that people find in Microsoft's documentation."""


@dataclass
class Entra:
    base: str  # https://login.microsoftonline.com/<tenant>, there
    people: dict[str, Person] = field(default_factory=dict)
    applications: dict[str, Application] = field(default_factory=dict)
    without: frozenset[str] = frozenset()  # claims that its tokens lack
    besides: dict[str, Any] = field(default_factory=dict)  # claims that they have, too
    signed_in: dict[str, Person] = field(default_factory=dict)
    token_requests: list[dict[str, str]] = field(default_factory=list)
    _codes: dict[str, Code] = field(default_factory=dict)
    _key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048))

    @property
    def issuer(self) -> str:
        return f"{self.base}/v2.0"

    def hire(self, person: Person) -> Person:
        self.people[person.upn] = person
        return person

    def register(self, application: Application) -> Application:
        self.applications[application.client_id] = application
        return application

    def sign_out_everywhere(self) -> None:
        self.signed_in.clear()

    @property
    def app(self) -> Starlette:
        at = f"/{TENANT}"
        return Starlette(
            routes=[
                Route(f"{at}/v2.0/.well-known/openid-configuration", self._metadata),
                Route(f"{at}/discovery/v2.0/keys", self._keys),
                Route(f"{at}/oauth2/v2.0/authorize", self._authorize, methods=["GET", "POST"]),
                Route(f"{at}/oauth2/v2.0/token", self._token, methods=["POST"]),
                Route(f"{at}/oauth2/v2.0/logout", self._logout),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        at = f"{self.base}/oauth2/v2.0"
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{at}/authorize",
                "token_endpoint": f"{at}/token",
                "end_session_endpoint": f"{at}/logout",
                "jwks_uri": f"{self.base}/discovery/v2.0/keys",
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code"],
            }
        )

    async def _keys(self, _: Request) -> Response:
        key = {**self._key.as_dict(private=False), "use": "sig", "kid": self._key.thumbprint()}
        return JSONResponse({"keys": [key]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        application = self.applications.get(asked.get("client_id", ""))
        # nobody is sent anywhere before the address is known to be the application's
        if application is None:
            return _page("AADSTS700016: no such application in this tenant", 400)
        if asked.get("redirect_uri") != application.redirect_uri:
            return _page("AADSTS50011: the redirect URI does not match one registered", 400)
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            return self._back(asked, error="invalid_request", error_description="PKCE is required")
        cookie = request.cookies.get(COOKIE, "")
        person = self.signed_in.get(cookie)
        if request.method == "POST":
            form = await request.form()
            person = self.people.get(str(form.get("login", "")).lower())
            if person is None or form.get("passwd") != person.password:
                return _form(request, "AADSTS50126: the user name or password is wrong")
        if person is None or (asked.get("prompt") == "login" and request.method == "GET"):
            return _form(request)
        if not person.enabled:
            return _form(request, "AADSTS50057: this account is disabled")
        code = secrets.token_urlsafe(24)
        self._codes[code] = Code(person, asked, time.time() + 60)
        answer = self._back(asked, code=code, session_state=str(uuid.uuid4()))
        if request.method == "POST":
            cookie = secrets.token_urlsafe(16)
            self.signed_in[cookie] = person
            answer.set_cookie(COOKIE, cookie, path=f"/{TENANT}", httponly=True)
        return answer

    def _back(self, asked: dict[str, str], **said: str) -> Response:
        state = {"state": asked["state"]} if "state" in asked else {}
        target = f"{asked['redirect_uri']}?{urlencode({**said, **state})}"
        return RedirectResponse(target, 302)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        self.token_requests.append(form)
        try:
            return JSONResponse(self._redeemed(form))
        except RefusedError as refused:
            said = {"error": "invalid_grant", "error_description": str(refused)}
            return JSONResponse(said, 400)

    def _redeemed(self, form: dict[str, str]) -> dict[str, Any]:
        application = self.applications.get(form.get("client_id", ""))
        if application is None or form.get("client_secret") != application.secret:
            raise RefusedError("AADSTS7000215: invalid client secret provided")
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.until < time.time():
            raise RefusedError("AADSTS70008: the code has expired, or was used before")
        asked = code.asked
        same = ("client_id", "redirect_uri")
        if any(form.get(name) != asked[name] for name in same):
            raise RefusedError("AADSTS70000: the code belongs to another request")
        if challenge(form.get("code_verifier", "")) != asked["code_challenge"]:
            raise RefusedError("AADSTS501481: the code verifier does not match the challenge")
        return {
            "token_type": "Bearer",
            "scope": "openid profile email",
            "expires_in": 3600,
            # for Microsoft Graph, and opaque to everyone else
            "access_token": secrets.token_urlsafe(48),
            "id_token": self._identity(application, code.person, asked),
        }

    def _identity(self, application: Application, person: Person, asked: dict[str, str]) -> str:
        said = {**claims(self.issuer, application, person), **self.besides}
        if "nonce" in asked:
            said["nonce"] = asked["nonce"]
        kept = {name: value for name, value in said.items() if name not in self.without}
        header = {"typ": "JWT", "alg": "RS256", "kid": self._key.thumbprint()}
        return jwt.encode(header, kept, self._key, algorithms=["RS256"])

    async def _logout(self, request: Request) -> Response:
        self.signed_in.pop(request.cookies.get(COOKIE, ""), None)
        target = request.query_params.get("post_logout_redirect_uri", "")
        known = {application.after_logout for application in self.applications.values()}
        if target and target in known:
            state = request.query_params.get("state")
            return RedirectResponse(f"{target}?{urlencode({'state': state})}" if state else target)
        return _page("You signed out of your account", 200)


def _form(request: Request, wrong: str = "") -> Response:
    return HTMLResponse(
        f"""<!doctype html><title>Sign in to your account</title><p>{html.escape(wrong)}</p>
        <form method="post" action="{html.escape(str(request.url))}">
        <input name="login"><input name="passwd" type="password"><button>Sign in</button></form>"""
    )


def _page(text: str, status: int) -> Response:
    return HTMLResponse(
        f"<!doctype html><title>Microsoft</title><p>{html.escape(text)}</p>", status
    )


@contextlib.contextmanager
def running_entra() -> Iterator[Entra]:
    port = free_port()
    entra = Entra(f"http://localhost:{port}/{TENANT}")
    config = uvicorn.Config(entra.app, host="127.0.0.1", port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > deadline:
            raise RuntimeError("the upstream did not start")
        time.sleep(0.02)
    try:
        yield entra
    finally:
        server.should_exit = True
        thread.join(timeout=10)
