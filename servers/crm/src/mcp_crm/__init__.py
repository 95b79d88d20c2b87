"""MCP server of the CRM: contacts, accounts and deals over the HubSpot CRM API 2026-09."""
