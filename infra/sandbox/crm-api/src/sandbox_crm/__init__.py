"""A stand-in CRM that speaks a subset of the HubSpot CRM API 2026-09."""
