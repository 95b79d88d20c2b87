"""The application: routes, the door in front of them, and how failures become answers."""

import hmac
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox_crm.buckets import Exceeded, Limits
from sandbox_crm.failures import ApiError, Problem, invalid, rate_limited
from sandbox_crm.routes import SEARCHES, routes
from sandbox_crm.settings import Settings, driver_url
from sandbox_crm.wire import World


class Door:
    """Nobody gets in without the token; nobody gets in more often than the account may."""

    def __init__(self, app: ASGIApp, *, token: str, limits: Limits, retry_after: bool) -> None:
        self.app = app
        self.expected = f"Bearer {token}".encode()
        self.limits = limits
        self.retry_after = retry_after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/healthz":
            await self.app(scope, receive, send)
            return
        correlation_id = str(uuid.uuid4())
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        searching = bool(SEARCHES.fullmatch(scope["path"]))

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-HubSpot-Correlation-Id"] = correlation_id
                # answers of a search carry no figures of the limits
                for name, value in () if searching else self.limits.headers():
                    headers[name] = value
            await send(message)

        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) != 1 or not hmac.compare_digest(given[0], self.expected):
            answer: ASGIApp = _unauthenticated(correlation_id)
        elif exceeded := self.limits.take(search=searching):
            answer = self._limited(exceeded, correlation_id)
        else:
            answer = self.app
        await answer(scope, receive, with_headers)

    def _limited(self, exceeded: Exceeded, correlation_id: str) -> JSONResponse:
        seconds = max(1, round(exceeded.retry_after_seconds + 0.5))
        headers = {"Retry-After": str(seconds)} if self.retry_after else {}
        return JSONResponse(rate_limited(exceeded.policy, correlation_id), 429, headers)


def _unauthenticated(correlation_id: str) -> JSONResponse:
    refusal = ApiError(
        401,
        "INVALID_AUTHENTICATION",
        "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
    )
    return JSONResponse(refusal.body(correlation_id), 401)


def _answer(request: Request, error: ApiError) -> Response:
    return JSONResponse(error.body(request.state.correlation_id), error.status)


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101  registered for this class only
    return _answer(request, error)


async def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return _answer(request, ApiError(status, "OBJECT_NOT_FOUND", "No route matches this request"))


async def _not_unique(request: Request, error: Exception) -> Response:
    """The unique index decides, so that two writers at once cannot both win."""
    name = str(getattr(getattr(error, "orig", None), "__cause__", "") or error)
    found = re.search(r"unique_([a-z]+)_(\w+)", name)
    kind, prop = found.groups() if found else ("object", "value")
    if (kind, prop) == ("contacts", "email"):
        return _answer(request, ApiError(409, "CONFLICT", "Contact already exists."))
    message = f"Another {kind} object already has that value of {prop}"
    problem = Problem(message, "CONFLICTING_UNIQUE_VALUE", {"propertyName": [prop]})
    return _answer(request, invalid(f"Property values were not valid: {message}", problem))


async def _no_database(request: Request, _error: Exception) -> Response:
    return _answer(request, ApiError(503, "INTERNAL_ERROR", "Service unavailable"))


async def _bug(request: Request, _error: Exception) -> Response:
    return _answer(request, ApiError(500, "INTERNAL_ERROR", "internal error"))


async def healthz(_: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def create_app(settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> Starlette:
    """One account of the CRM. Connects with the first request."""
    engine = create_async_engine(driver_url(settings.database_url), pool_size=10, max_overflow=10)
    limits = Limits(
        ten_secondly=settings.ten_secondly,
        search_per_second=settings.search_per_second,
        daily=settings.daily,
        clock=clock,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    app = Starlette(
        routes=[Route("/healthz", healthz), *routes()],
        middleware=[
            Middleware(
                Door,
                token=settings.token.get_secret_value(),
                limits=limits,
                retry_after=settings.retry_after,
            )
        ],
        exception_handlers={
            ApiError: _api_error,
            HTTPException: _http_error,
            IntegrityError: _not_unique,
            DBAPIError: _no_database,
            OSError: _no_database,
            Exception: _bug,
        },
        lifespan=lifespan,
    )
    app.state.world = World(engine, timedelta(seconds=settings.search_lag_seconds))
    return app
