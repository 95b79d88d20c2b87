"""The console, put together: routes, who may pass, and what each failure looks like."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mcp_gateway.console.audit import Audit
from mcp_gateway.console.headers import Headers
from mcp_gateway.console.issuer import Issuer
from mcp_gateway.console.look import STATIC, Clock, Look, now_utc
from mcp_gateway.console.pages import Pages
from mcp_gateway.console.reader import LedgerAwayError, Reader
from mcp_gateway.console.session import Cookies, Session
from mcp_gateway.console.sign_in import ROLES, Event, SignIn, sign_in_address
from mcp_gateway.console.wanted import WantedError
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.rights.policy import Policy

Page = Callable[[Request, Session], Awaitable[Response]]


class Console:
    """Mount `app` at /console; enter `running` around serving."""

    def __init__(
        self,
        *,
        public_url: str,
        issuer: str,
        issuer_internal: str | None,
        key: RSAKey,
        session_key: bytes,
        reader_url: str,
        policy: Callable[[], Policy],
        catalogue: Catalogue,
        event: Event,
        ended: Callable[[Session], bool],
        ledger_public: Path | None = None,
        clock: Clock = now_utc,
    ) -> None:
        self._look = Look(clock)
        secure = public_url.startswith("https://")
        self._cookies = Cookies(session_key, secure=secure, ended=ended)
        self._reader = Reader(reader_url)
        redirect_uri = f"{public_url}/console/callback"
        provider = Issuer(issuer, internal=issuer_internal, redirect_uri=redirect_uri, key=key)
        sign_in = SignIn(
            public_url=public_url,
            issuer=provider,
            cookies=self._cookies,
            look=self._look,
            event=event,
        )
        pages = Pages(
            public_url=public_url,
            reader=self._reader,
            reader_url=reader_url,
            public_keys=ledger_public,
            policy=policy,
            catalogue=catalogue,
            look=self._look,
            clock=clock,
        )
        audit = Audit(
            reader=self._reader,
            reader_url=reader_url,
            public_keys=ledger_public,
            event=event,
            catalogue=catalogue,
            look=self._look,
            clock=clock,
        )
        record = "/records/{day}/{segment:uuid}/{seq:int}"
        self.app = Starlette(
            routes=[
                Route("/", self._home(pages.overview)),
                Route("/calls", self._guarded(pages.calls)),
                Route("/calls/{rid:uuid}", self._guarded(audit.read(pages.call))),
                Route(record, self._guarded(audit.read(pages.record))),
                Route(f"{record}/verify", self._guarded(pages.verify)),
                Route("/audit", self._guarded(audit.page)),
                Route("/audit/export", self._guarded(audit.export)),
                Route("/audit/{day}/{segment:uuid}/{seq:int}", self._guarded(audit.proof)),
                Route("/policy", self._guarded(pages.policy)),
                Route("/connect", self._guarded(pages.connect)),
                Route("/sign-in", sign_in.begin),
                Route("/callback", sign_in.finish),
                Route("/sign-out", sign_in.end, methods=["POST"]),
                Mount("/static", app=StaticFiles(directory=STATIC)),
            ],
            middleware=[Middleware(Headers, form_targets=provider.origin)],
            exception_handlers={HTTPException: self._not_here},
        )
        self.app.router.redirect_slashes = False  # as in routes.py

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._reader.aclose()

    def _home(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """The front door says what this is before it sends anyone away."""
        guarded = self._guarded(page)

        async def answer(request: Request) -> Response:
            strange = self._cookies.session(request) is None
            if strange and "HX-Request" not in request.headers:
                return self._look.page("welcome.html", session=None)
            return await guarded(request)

        return answer

    def _guarded(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            session = self._cookies.session(request)
            if session is None:
                if "HX-Request" in request.headers:
                    # the whole page, not a part of it, must go and sign in
                    return Response(status_code=401, headers={"HX-Refresh": "true"})
                return RedirectResponse(sign_in_address(request), 303)
            if ROLES.isdisjoint(session.roles):
                raise HTTPException(403)
            try:
                return await page(request, session)
            except WantedError as error:
                return self._notice(session, 400, "This page has no such view", str(error))
            except LedgerAwayError as error:
                return self._away(request, session, error)

        return answer

    def _away(self, request: Request, session: Session, error: LedgerAwayError) -> Response:
        text = (
            "The ledger's database took too long for this view. Choose a shorter window or narrow "
            "the search."
            if error.slow
            else "The ledger's database does not answer, so there is nothing to show. Calls "
            "through the gateway are refused while it is away: no record, no entry."
        )
        return self._look.page(
            "away.html",
            503,
            session=session,
            text=text,
            again=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
        )

    async def _not_here(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        text = {
            403: "Your roles do not include this page.",
            404: "There is no such page in this console.",
            405: "This address takes another kind of request.",
        }.get(status, "This request cannot be answered.")
        return self._notice(self._cookies.session(request), status, "Not here", text)

    def _notice(self, session: Session | None, status: int, title: str, text: str) -> Response:
        return self._look.page(
            "notice.html", status, title=title, text=text, session=session, again=False
        )
