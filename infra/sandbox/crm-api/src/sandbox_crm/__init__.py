"""A stand-in for the company's CRM: a subset of the HubSpot CRM API 2026-09 on Postgres."""
