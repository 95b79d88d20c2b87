"""`python -m sandbox_crm`: serve the CRM stand-in over HTTP."""

import uvicorn

from sandbox_crm.app import create_app
from sandbox_crm.settings import Listen, Settings


def main() -> None:
    listen = Listen()
    uvicorn.run(
        create_app(Settings()),
        host=listen.host,
        port=listen.port if listen.mcp_port is None else listen.mcp_port,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
