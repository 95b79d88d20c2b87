"""Days of the ledger in one file that proves itself; `offline` verifies it without us."""
