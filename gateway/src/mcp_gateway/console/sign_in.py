"""In and out of the console. Only operators and auditors stay; everyone else is told why not.

A sign-in that cannot be recorded does not happen. What strangers send to the way back is recorded
too, but only so many a minute: the ledger must not be filled by people nobody knows.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mcp_gateway.console.issuer import Issuer, IssuerAwayError, Person, SignInError
from mcp_gateway.console.look import Look
from mcp_gateway.console.session import Begun, Cookies, Session, same, token
from mcp_gateway.refusals import Refusal

ROLES = frozenset({"operator", "auditor"})
HOME = "/console/"
FORM_BYTES = 4_096
STRANGERS_PER_MINUTE = 10

Event = Callable[[str, Mapping[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


class SignIn:
    def __init__(
        self, *, public_url: str, issuer: Issuer, cookies: Cookies, look: Look, event: Event
    ) -> None:
        self._public_url = public_url
        self._issuer = issuer
        self._cookies = cookies
        self._look = look
        self._event = event
        self._strangers = (0.0, 0)  # the minute that began, and how many were recorded in it

    async def begin(self, request: Request) -> Response:
        """GET: off to the issuer."""
        if own := self._own_name(request):
            return RedirectResponse(own, 307)
        begun = Begun(token(), token(), token(), _inside(request.query_params.get("after", "")))
        again = "again" in request.query_params
        try:
            url = await self._issuer.authorize_url(
                begun.state, begun.nonce, begun.verifier, again=again
            )
        except IssuerAwayError:
            return self._away()
        response = RedirectResponse(url, 303)
        self._cookies.keep_begun(response, begun)
        return response

    async def finish(self, request: Request) -> Response:
        """GET: the way back from the issuer."""
        begun = self._cookies.begun(request)
        try:
            code, begun = self._answer(request, begun)
            person = await self._issuer.redeem(code, begun.verifier, begun.nonce)
            response = await self._admit(person, begun)
        except SignInError as error:
            response = await self._refused(error.reason)
        except IssuerAwayError:
            response = self._away()
        except Refusal:
            response = self._look.page(
                "notice.html", 503, title="Not now",
                text="Your sign-in could not be put on the record, so it did not happen.",
                session=None, again=True,
            )  # fmt: skip
        self._cookies.forget(response, "sign-in")
        return response

    async def end(self, request: Request) -> Response:
        """POST: out of here and out of the issuer's session."""
        session = self._cookies.session(request)
        if session is None:
            return RedirectResponse(HOME, 303)
        if not same(await _field(request, "csrf"), session.csrf):
            return self._look.page(
                "notice.html", 403, title="Not signed out",
                text="This form did not come from this console. You are still signed in.",
                session=session, again=False,
            )  # fmt: skip
        try:
            await self._event("console_sign_out", _who(session.person, session.subject))
        except Refusal:
            log.warning("sign-out not recorded", extra={"person": session.person})
        try:
            url = await self._issuer.end_session_url(session.id_token, self._public_url + HOME)
        except IssuerAwayError:
            url = HOME  # out of here at least
        response = RedirectResponse(url, 303)
        self._cookies.forget(response, "session")
        return response

    def _answer(self, request: Request, begun: Begun | None) -> tuple[str, Begun]:
        """The code, when this answer is the issuer's and this browser asked for it."""
        query = request.query_params
        said = {name: query.getlist(name) for name in ("state", "iss", "code", "error")}
        if any(len(values) > 1 for values in said.values()):
            raise SignInError("repeated_parameter")
        state, iss, code, error = (values[0] if values else "" for values in said.values())
        if begun is None:
            raise SignInError("not_begun_here")
        if not same(state, begun.state):
            raise SignInError("state")
        if iss != self._issuer.url:
            raise SignInError("iss")
        if error:
            raise SignInError("cancelled" if error == "access_denied" else "issuer_error")
        if not code:
            raise SignInError("code_missing")
        return code, begun

    async def _admit(self, person: Person, begun: Begun) -> Response:
        roles = sorted(person.roles & ROLES)
        who = _who(person.username, person.subject)
        if not roles:
            log.info("console refused", extra={"person": person.username, "reason": "no_role"})
            await self._event("console_refused", who | {"reason": "no_role"})
            return self._look.page("no-role.html", 403, person=person, session=None)
        session = Session(
            person.subject, person.username, person.name, tuple(roles), token(), person.id_token,
            int(time.time()),
        )  # fmt: skip
        if self._cookies.ended(session):
            log.info("console refused", extra={"person": person.username, "reason": "blocked"})
            await self._event("console_refused", who | {"reason": "blocked"})
            return self._look.page(
                "notice.html", 403, title="Closed",
                text="An operator has closed the gateway for this account, or has just ended its "
                "sign-ins.",
                session=None, again=True,
            )  # fmt: skip
        await self._event("console_sign_in", who | {"roles": roles})
        log.info("console sign-in", extra={"person": person.username})
        response = RedirectResponse(begun.after, 303)
        self._cookies.keep_session(response, session)
        return response

    async def _refused(self, reason: str) -> Response:
        log.info("console refused", extra={"reason": reason})
        if self._may_record_stranger():
            try:
                await self._event("console_refused", {"reason": reason})
            except Refusal:
                log.warning("refusal not recorded", extra={"reason": reason})
        cancelled = reason == "cancelled"
        return self._look.page(
            "notice.html",
            400,
            title="Not signed in",
            text="You cancelled the sign-in."
            if cancelled
            else "This sign-in was not begun in this browser, took too long, or was changed on "
            f"its way ({reason}). Nothing happened.",
            session=None,
            again=True,
        )

    def _away(self) -> Response:
        return self._look.page(
            "notice.html", 503, title="Nobody can sign in now",
            text="The sign-in service does not answer. Those who are signed in can go on.",
            session=None, again=True,
        )  # fmt: skip

    def _may_record_stranger(self) -> bool:
        began, recorded = self._strangers
        now = time.monotonic()
        if now - began > 60:
            began, recorded = now, 0
        self._strangers = (began, recorded + 1)
        return recorded < STRANGERS_PER_MINUTE

    def _own_name(self, request: Request) -> str | None:
        """127.0.0.1 and localhost are one machine and two cookie jars; the issuer knows one."""
        public = urlsplit(self._public_url)
        loopback = {"localhost", "127.0.0.1", "::1"}
        here = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if {here, public.hostname} <= loopback and here != public.hostname:
            return f"{self._public_url}{request.url.path}?{request.url.query}"
        return None


def sign_in_address(request: Request) -> str:
    """Where someone without a session goes, to come back to this page."""
    after = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return "/console/sign-in?" + urlencode({"after": after})


def _inside(address: str) -> str:
    """A page of this console, whatever the address asks for: no open redirect."""
    plain = address.isascii() and address.isprintable() and "\\" not in address
    if plain and len(address) <= 500 and address.startswith(HOME):
        return address
    return HOME


def _who(person: str, subject: str) -> dict[str, Any]:
    return {"person": person, "sub": subject}


async def _field(request: Request, name: str) -> str:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            return ""
    try:
        return parse_qs(body.decode("ascii"), max_num_fields=5).get(name, [""])[0]
    except ValueError:
        return ""
