"""The warehouse's schema, roles, row-level security, views and TPC-H-derived data."""
