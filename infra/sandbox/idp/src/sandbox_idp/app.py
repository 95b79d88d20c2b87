"""The only place that builds things."""

import time
from collections.abc import Mapping
from pathlib import Path

from authlib.oauth2 import OAuth2Error
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox_idp import claims, realm
from sandbox_idp.assertion import Clients
from sandbox_idp.endpoints import Endpoints
from sandbox_idp.exchange import ExchangeGrant
from sandbox_idp.flows import Flows
from sandbox_idp.grants import S256, ClientGrant, CodeGrant, PasswordGrant, RefreshGrant
from sandbox_idp.keys import Keyring
from sandbox_idp.login import Login
from sandbox_idp.logs import log
from sandbox_idp.memory import Clock, Memory
from sandbox_idp.people import People
from sandbox_idp.settings import Settings
from sandbox_idp.tokens import Issuer

# hosts that run in a browser on this machine; no cookie is ever accepted from another origin
LOCAL_ORIGIN = r"http://(localhost|127\.0\.0\.1)(:[0-9]+)?"


def build(
    settings: Settings, environment: Mapping[str, str], keys: Keyring, clock: Clock = time.time
) -> Starlette:
    known = realm.parse(settings.realm_file.read_text(encoding="utf-8"), environment)
    if unknown := claims.unknown_mappers(known):
        log.warning("mappers that only Keycloak honours", extra={"mappers": unknown})
    memory = Memory(known.lifetimes, known.lockout, clock)
    issuer = Issuer(f"{settings.public_url}/realms/{known.name}", known, keys, memory)
    flows = Flows(
        issuer,
        People(known, issuer.url, memory.attempts),
        Clients(known, issuer.url, memory),
        resource_indicators=settings.resource_indicators,
    )
    flows.register_grant(CodeGrant, [S256()])
    for grant in (RefreshGrant, PasswordGrant, ClientGrant, ExchangeGrant):
        flows.register_grant(grant)
    endpoints = Endpoints(flows)
    return Starlette(
        routes=_routes(f"/realms/{known.name}", endpoints, Login(flows)),
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origin_regex=LOCAL_ORIGIN,
                allow_methods=["GET", "POST"],
                allow_headers=["*"],
            )
        ],
        exception_handlers={OAuth2Error: endpoints.refused},
    )


def _routes(at: str, endpoints: Endpoints, login: Login) -> list[BaseRoute]:
    protocol = f"{at}/protocol/openid-connect"
    documents = ("oauth-authorization-server", "openid-configuration")
    appended = [f"{at}/.well-known/{name}" for name in documents]
    inserted = [f"/.well-known/{name}{at}" for name in documents]
    return [
        Route("/healthz", endpoints.health),
        Route(at, endpoints.realm),
        *(Route(path, endpoints.metadata) for path in appended + inserted),
        Route(f"{protocol}/auth", login.authorize),
        Route(f"{at}/login-actions/authenticate", login.authenticate, methods=["POST"]),
        Route(f"{protocol}/logout", login.logout, methods=["GET", "POST"]),
        Route(f"{protocol}/token", endpoints.token, methods=["POST"]),
        Route(f"{protocol}/token/introspect", endpoints.introspect, methods=["POST"]),
        Route(f"{protocol}/revoke", endpoints.revoke, methods=["POST"]),
        Route(f"{protocol}/userinfo", endpoints.userinfo, methods=["GET", "POST"]),
        Route(f"{protocol}/certs", endpoints.keys),
        Mount(f"{at}/static", StaticFiles(directory=Path(__file__).parent / "static")),
    ]
