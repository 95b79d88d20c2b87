"""Verifies an export anywhere: Python's standard library and these files."""
