"""`python -m mcp_warehouse`: HTTP behind the gateway, or `--stdio`, or `--definitions`."""

from mcp_shared.serve import main
from mcp_warehouse.server import build

if __name__ == "__main__":
    main(build)
