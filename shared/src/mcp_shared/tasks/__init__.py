"""The Tasks extension (protocol 2026-07-28): calls that outlive their request, kept in Postgres."""
