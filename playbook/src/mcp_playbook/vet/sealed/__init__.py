"""A server of others, run without network, files and secrets, only to take its tools/list."""
