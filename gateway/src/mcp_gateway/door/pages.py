"""Which web pages may read what the gateway answers: those of `allowed_origins`, without cookies.

The MCP endpoints and their metadata alone (Fetch standard, CORS protocol); never the console.
"""

from collections.abc import Sequence
from typing import Any

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

RULES: dict[str, Any] = {
    "allow_methods": ("GET", "POST"),
    # Mcp-Param-* are named by tools; what may be sent is judged when it comes
    "allow_headers": ("*",),
    "allow_credentials": False,
    # what a client needs to sign in, and to wait
    "expose_headers": ("WWW-Authenticate", "Retry-After"),
    "max_age": 600,  # seconds for which a browser keeps what it was told
}


def readable(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application, as pages of these origins may use it; itself when there are none."""
    return CORSMiddleware(app, allow_origins=origins, **RULES) if origins else app


def of_route(origins: Sequence[str]) -> dict[str, Any]:
    """The same for one of Starlette's routes."""
    if not origins:
        return {}
    return {
        "methods": ["GET", "OPTIONS"],
        "middleware": [Middleware(CORSMiddleware, allow_origins=origins, **RULES)],
    }
