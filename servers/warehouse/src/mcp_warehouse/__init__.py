"""MCP server of the warehouse: curated metrics and guarded read-only SQL on Postgres."""
