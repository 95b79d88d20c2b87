"""The semantic layer: figures described in YAML, asked for by name, compiled to SQL."""
