"""make up: the whole stack as supervised native processes."""
