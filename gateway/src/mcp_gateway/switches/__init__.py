"""Kill switches: what an operator closed, kept in Postgres, heard of through Valkey."""
