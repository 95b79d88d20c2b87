"""`python -m in_image.healthy [URL]`: whether the room of this container answers 200; exit 0 or 1.

Without a URL it asks where the room was told to listen, at the path its health is at.
"""

import http.client
import os
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

SECONDS = 3.0
# which variables say where, and the path there; the first that is set counts
PLACES = (
    ("GATEWAY_HOST", "GATEWAY_PORT", "/readyz"),
    ("MCP_HOST", "MCP_PORT", "/healthz"),
    ("HOST", "PORT", "/healthz"),
)
ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  recognised here, bound by nobody


def address(environ: Mapping[str, str]) -> str | None:
    for host, port, path in PLACES:
        if environ.get(port):
            name = environ.get(host, "")
            return f"http://{'127.0.0.1' if name in ANYWHERE else name}:{environ[port]}{path}"
    return None


def status(url: str) -> int:
    """By hand: no proxy of the environment may answer for the room."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    finally:
        connection.close()


def main() -> int:
    url = sys.argv[1] if len(sys.argv) > 1 else address(os.environ)
    if url is None:
        sys.stderr.write("healthy: no URL, and no variable says where this container listens\n")
        return 1
    try:
        found = status(url)
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"healthy: {url}: {type(error).__name__}\n")
        return 1
    if found != http.client.OK:
        sys.stderr.write(f"healthy: {url}: {found}\n")
    return 0 if found == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main())
