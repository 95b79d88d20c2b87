"""The ledger's schema, one revision after another; applied by `mcp_gateway.audit.migrate`."""
