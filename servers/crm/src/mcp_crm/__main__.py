"""`python -m mcp_crm [--stdio | --definitions]`."""

from mcp_shared.serve import main

if __name__ == "__main__":
    main("mcp_crm.server")
