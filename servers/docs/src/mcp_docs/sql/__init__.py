"""The statements of `docs_ro`, one file each."""
