"""MCP server of the knowledge base: ranked search and reading, within the reader's groups."""
