"""The pages a person sees: sign-in with consent, errors, signed out.

A request waits here while its person signs in; it belongs to the browser that brought it.
"""

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from sandbox_idp.faults import fault
from sandbox_idp.flows import Asked, Flows
from sandbox_idp.forms import posted, queried
from sandbox_idp.logs import log
from sandbox_idp.memory import Expiring

COOKIE = "idp_browser"
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Waiting:
    """An authorization request whose person has not signed in yet."""

    asked: Asked
    browser: str
    token: str  # in the form, so that no other site can post it


class Login:
    def __init__(self, flows: Flows) -> None:
        self._flows = flows
        self._issuer = flows.issuer
        memory, limits = self._issuer.memory, self._issuer.realm.lifetimes
        self._waiting: Expiring[Waiting] = Expiring(memory.clock, limits.login, most=1000)
        self._pages = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
        )

    async def authorize(self, request: Request) -> Response:
        """GET …/auth: check the request in full, then show the form."""
        try:
            asked = queried(request, self._issuer.url)
            grant = self._grant(asked)
        except OAuth2Error as error:
            return self._refuse(error)
        browser = request.cookies.get(COOKIE) or secrets.token_urlsafe(24)
        place, token = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
        self._waiting.put(place, Waiting(asked, browser, token))
        answer = self._form(place, token, asked, grant, wrong=False)
        at = urlsplit(self._issuer.url)
        answer.set_cookie(
            COOKIE,
            browser,
            path=at.path,
            httponly=True,
            samesite="lax",
            secure=at.scheme == "https",
        )
        return answer

    async def authenticate(self, request: Request) -> Response:
        """POST of the form."""
        try:
            form = (await posted(request, self._issuer.url)).form
            place = request.query_params.get("session_code", "")
            waiting = self._waiting.get(place)
            if waiting is None or not _same(request.cookies.get(COOKIE, ""), waiting.browser):
                raise fault("expired", "This sign-in has expired")
            if not _same(form.get("csrf", ""), waiting.token):
                raise fault("forged", "This form did not come from this page", status=403)
            return self._sign_in(place, waiting, form, self._grant(waiting.asked))
        except OAuth2Error as error:
            return self._refuse(error)

    def _sign_in(self, place: str, waiting: Waiting, form: dict[str, str], grant: Any) -> Response:
        if "cancel" in form:
            self._waiting.pop(place)
            return self._finish(waiting.asked, grant, None)
        user = self._flows.people.sign_in(form.get("username", ""), form.get("password", ""))
        if user is None:
            log.info("sign-in refused", extra={"user": form.get("username", "")[:80]})
            return self._form(place, waiting.token, waiting.asked, grant, wrong=True)
        self._waiting.pop(place)
        client_id = grant.client.client.client_id
        log.info("signed in", extra={"user": user.username, "client": client_id})
        return self._finish(waiting.asked, grant, user)

    async def logout(self, request: Request) -> Response:
        """RP-initiated logout by ID token, or a client's own call with its refresh token."""
        try:
            if request.method == "POST":
                form = (await posted(request, self._issuer.url)).form
            else:
                form = queried(request, self._issuer.url).form
            if "refresh_token" in form:
                return self._logout_client(form)
            return self._logout_browser(form)
        except OAuth2Error as error:
            return self._refuse(error)

    def _logout_client(self, form: dict[str, str]) -> Response:
        client = self._flows.clients.authenticate(form)
        found = self._issuer.read_refresh(form["refresh_token"])
        if found is None or found[0]["azp"] != client.client_id:
            answer: Response = self._flows.handle_error_response(
                None, fault("invalid_grant", "Invalid refresh token")
            )
            return answer
        self._issuer.memory.end(found[1].sid)
        return Response(status_code=204)

    def _logout_browser(self, form: dict[str, str]) -> Response:
        said = self._issuer.read_identity(form.get("id_token_hint", ""))
        if said is None:
            raise fault("invalid_request", "Missing parameters: id_token_hint")
        self._issuer.memory.end(said["sid"])
        target = form.get("post_logout_redirect_uri")
        if target is None:
            return self._page("signed-out.html", 200)
        client = self._issuer.realm.clients.get(said["azp"])
        registered = client.attributes.get("post.logout.redirect.uris", "") if client else ""
        if target not in registered.split("##"):
            raise fault("invalid_request", "Invalid redirect uri")
        state = f"?{urlencode({'state': form['state']})}" if "state" in form else ""
        return Response(status_code=303, headers={"Location": target + state})

    def _grant(self, asked: Asked) -> Any:
        """The checked request. Client and redirect come first: nothing is sent to a wrong one."""
        form = asked.form
        client = self._flows.query_client(form.get("client_id", ""))
        if client is None or not client.client.standard_flow:
            raise fault("invalid_request", "Client not found.")
        redirect_uri = form.get("redirect_uri", "")
        if not client.check_redirect_uri(redirect_uri):
            said = {"client": client.client.client_id, "url": redirect_uri[:200]}
            log.info("redirect refused", extra=said)  # `make doctor` reads it
            raise fault("invalid_request", "Invalid parameter: redirect_uri")
        if form.get("response_type") != "code":
            error = fault("unsupported_response_type", "response_type is code")
            error.redirect_uri, error.state = redirect_uri, form.get("state")
            raise error
        return self._flows.get_consent_grant(asked)

    def _finish(self, asked: Asked, grant: Any, user: Any) -> Response:
        answer: Response = self._flows.create_authorization_response(asked, user, grant=grant)
        return answer

    def _refuse(self, error: OAuth2Error) -> Response:
        log.info("authorization refused", extra={"error": error.error, "detail": error.description})
        if error.redirect_uri:
            answer: Response = self._flows.handle_error_response(None, error)
            return answer
        return self._page("error.html", error.status_code, message=error.description)

    def _form(self, place: str, token: str, asked: Asked, grant: Any, *, wrong: bool) -> Response:
        client, redirect_uri = grant.client.client, asked.form["redirect_uri"]
        granted = grant.check_terms(redirect_uri, None)
        return self._page(
            "login.html",
            200,
            target=redirect_uri,
            client=client,
            action=f"{self._issuer.url}/login-actions/authenticate?session_code={place}",
            csrf=token,
            wrong=wrong,
            hint=asked.form.get("login_hint", ""),
            redirect_host=urlsplit(redirect_uri).netloc or redirect_uri.partition(":")[0],
            consents=granted.consents if client.consent else (),
            people=[
                (user, "?" + urlencode({**asked.form, "login_hint": user.username}))
                for user in self._issuer.realm.users.values()
            ],
            here=f"{self._issuer.url}/protocol/openid-connect/auth",
        )

    def _page(self, name: str, status: int, *, target: str = "", **values: Any) -> Response:
        text = self._pages.get_template(name).render(
            realm=self._issuer.realm, base=urlsplit(self._issuer.url).path, **values
        )
        return HTMLResponse(text, status, {**_HEADERS, "Content-Security-Policy": _policy(target)})


_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def _policy(redirect_uri: str) -> str:
    # browsers hold the redirect after a form post against form-action as well
    parts = urlsplit(redirect_uri)
    web = parts.scheme in {"http", "https"}
    after = (
        f"{parts.scheme}://{parts.netloc}" if web else f"{parts.scheme}:" if redirect_uri else ""
    )
    return (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {after}"
    ).strip()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
