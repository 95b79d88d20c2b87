"""The one door: authenticates, decides, limits, records and forwards every MCP call."""
