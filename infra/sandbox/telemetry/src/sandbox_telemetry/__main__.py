"""`python -m sandbox_telemetry`: the telemetry stand-in."""

import os
import sys

import uvicorn

from sandbox_telemetry.app import build
from sandbox_telemetry.settings import SettingsError, read

MOST_CONNECTIONS = 200


def main() -> int:
    try:
        settings = read(os.environ)
    except SettingsError as wrong:
        print(f"sandbox_telemetry does not start: {wrong}", file=sys.stderr)
        return 2
    uvicorn.run(
        build(),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
