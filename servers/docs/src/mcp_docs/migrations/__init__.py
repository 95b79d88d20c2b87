"""Numbered SQL files, applied once each by `mcp_docs.migrate`."""
