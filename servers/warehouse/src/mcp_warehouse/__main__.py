"""`python -m mcp_warehouse [--stdio | --definitions]`."""

from mcp_shared.serve import main

if __name__ == "__main__":
    main("mcp_warehouse.server")
