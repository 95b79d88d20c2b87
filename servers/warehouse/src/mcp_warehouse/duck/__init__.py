"""The port's second engine: DuckDB over files, one for each region."""
