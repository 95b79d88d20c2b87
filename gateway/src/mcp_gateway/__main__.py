"""`python -m mcp_gateway`: one replica."""

import uvicorn

from mcp_gateway.app import build
from mcp_gateway.settings import ConfigError, exit_with, from_environment
from mcp_shared import logs, telemetry

SHUTDOWN_SECONDS = 30


def main() -> None:
    logs.setup("gateway")
    telemetry.setup("gateway")
    try:
        made = from_environment()
        gateway = build(made)
    except ConfigError as error:
        exit_with(error)
    uvicorn.run(
        gateway,
        host=made.host,
        port=made.port,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        # who the client is behind proxies is read in floods.py, from as many as are configured
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        h11_max_incomplete_event_size=65_536,
    )


if __name__ == "__main__":
    main()
