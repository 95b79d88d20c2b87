"""Heads of the ledger, signed and kept where the database's owner cannot write."""
