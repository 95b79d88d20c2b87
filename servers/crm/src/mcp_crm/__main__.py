"""`python -m mcp_crm`: serve the CRM server; see `--help`."""

from mcp_shared.serve import main

if __name__ == "__main__":
    main("mcp_crm.server")
