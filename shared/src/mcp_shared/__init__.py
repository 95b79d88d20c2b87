"""What every MCP server of this repository stands on."""
