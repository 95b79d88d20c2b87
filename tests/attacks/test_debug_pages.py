"""P04: the public listener has no debug pages, no metrics, and no way to reload."""

from typing import Any

import pytest
from asgi import client_of, started
from attacks.oracle import unharmed
from house.backends import a_server, resource_of
from house.house import GATEWAY, House
from people import Issuer
from starlette.routing import BaseRoute, Mount, Route

from mcp_shared import serve
from mcp_shared.settings import ServerSettings

ABSENT = [
    "/docs", "/redoc", "/openapi.json", "/swagger", "/swagger-ui/index.html", "/graphql",
    "/debug", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/_debug", "/__debug__/",
    "/metrics", "/metrics/", "/prometheus", "/stats", "/status", "/server-status", "/server-info",
    "/actuator", "/actuator/env", "/actuator/heapdump", "/info", "/env", "/trace", "/config",
    "/configz", "/statusz", "/varz", "/livez", "/health", "/version",
    "/.env", "/.git/config", "/.git/HEAD", "/.well-known/security", "/gateway.yaml", "/agents.yaml",
    "/policy.yaml", "/keys/ledger.pem", "/secrets", "/stack.json", "/.run/stack.json",
    "/reload", "/-/reload", "/-/quit", "/-/healthy", "/admin", "/admin/", "/admin/reload",
    "/manage", "/console/debug", "/console/env", "/console/metrics", "/console/static/",
    "/console/static/../app.py", "/console/static/..%2fapp.py", "/console/static/%2e%2e/app.py",
    "/mcp/", "/mcp/debug", "/servers", "/servers/", "/servers/numbers", "/servers/numbers/",
    "/servers/numbers/healthz", "/servers/numbers/mcp/", "/servers//mcp", "/sse", "/messages",
    "/register", "/authorize", "/token",
]  # fmt: skip
OPEN = {
    "/", "/healthz", "/readyz", "/console",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource/servers/numbers/mcp",
    "/.well-known/oauth-protected-resource/servers/letters/mcp",
}  # fmt: skip


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_p04_debug_pages_are_not_there(home: House, verb: str) -> None:
    async with unharmed(home, records=0) as told:
        for path in ABSENT:
            answer = told.answer(await home.http.request(verb, path))
            absent = {404} if verb == "GET" else {404, 405}  # static files are only read
            assert answer.status_code in absent, f"{verb} {path}"
            assert "server" not in answer.headers


def paths(routes: list[BaseRoute]) -> set[str]:
    assert all(isinstance(one, Route | Mount) for one in routes)
    return {one.path for one in routes if isinstance(one, Route | Mount)}


async def test_p04_the_public_listener_has_these_routes_and_no_others(home: House) -> None:
    """Whoever adds one says so here."""
    inner: Any = home.gateway.inner
    assert paths(inner.routes) == OPEN


async def test_p04_health_says_no_more_than_well_or_not(home: House) -> None:
    async with unharmed(home, records=0) as told:
        assert told.answer(await home.http.get("/healthz")).json() == {"status": "ok"}
        ready = told.answer(await home.http.get("/readyz")).json()
        assert ready == {"ready": True, "ledger": True, "issuer_keys": True}


async def test_p04_a_server_has_no_page_but_its_health_without_a_token(issuer: Issuer) -> None:
    settings = ServerSettings(
        resource=resource_of("numbers"), issuer=issuer.url, jwks_url=issuer.jwks_url,
        callers=frozenset({f"{GATEWAY}/mcp"}),
    )  # fmt: skip
    app: Any = serve.asgi(a_server(), settings)
    async with started(app.app), client_of(app, "http://numbers") as http:
        assert (await http.get("/healthz")).status_code == 200
        for path in (*ABSENT, "/", "/mcp"):
            assert (await http.get(path)).status_code == 401, path


async def test_p04_no_request_makes_the_gateway_read_its_files(home: House) -> None:
    """Only a changed file does."""
    policy = home.gateway.policy
    async with unharmed(home, records=0) as told:
        for verb in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/reload", "/-/reload", "/console/policy", "/healthz", "/readyz", "/"):
                answer = told.answer(await home.http.request(verb, path))
                assert answer.status_code in {404, 405}, f"{verb} {path}"
    assert home.gateway.policy is policy
