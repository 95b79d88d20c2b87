"""What is beside the MCP endpoints: metadata (RFC 9728), health, the console.

A redirect names a path alone: which scheme and host a client used, this process cannot know.
"""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from mcp_gateway.call import AGGREGATE
from mcp_gateway.configuration.settings import Config
from mcp_gateway.definitions.catalogue import Catalogue
from mcp_gateway.door.pages import of_route
from mcp_gateway.listing import discovery

Asked = Callable[[Request], Awaitable[Response]]

AGGREGATE_TITLE = "MCP gateway"


def application(
    config: Config, catalogue: Catalogue, ready: Asked, fit: Asked, console: ASGIApp
) -> Starlette:
    app = Starlette(routes=routes(config, catalogue, ready, fit, console))
    # these would name the scheme of the last proxy's connection and whatever Host says
    app.router.redirect_slashes = False
    return app


def routes(
    config: Config, catalogue: Catalogue, ready: Asked, fit: Asked, console: ASGIApp
) -> list[BaseRoute]:
    def about(endpoint: str) -> Callable[[Request], Awaitable[JSONResponse]]:
        title = catalogue.servers[endpoint].title if endpoint else AGGREGATE_TITLE
        return _document(
            discovery.resource_metadata(config.public_url, config.issuer, endpoint, title)
        )

    async def home(_: Request) -> Response:
        return RedirectResponse("/console/", 307)

    described = {discovery.path_of(one): one for one in (AGGREGATE, *catalogue.servers)}
    # the root form is for clients that look there; it describes the aggregate
    described[""] = AGGREGATE
    return [
        *(
            Route(discovery.WELL_KNOWN + path, about(endpoint), **of_route(config.allowed_origins))
            for path, endpoint in described.items()
        ),
        Route("/healthz", fit),
        Route("/readyz", ready),
        Route("/", home),
        Route("/console", home),
        Mount("/console", app=console),
    ]


def _document(content: object) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(content, headers={"Cache-Control": "max-age=300"})

    return answer
