"""`python -m mcp_warehouse`: HTTP behind the gateway, or `--stdio`, or `--definitions`."""

from mcp_shared.serve import main

if __name__ == "__main__":
    main("mcp_warehouse.server")
