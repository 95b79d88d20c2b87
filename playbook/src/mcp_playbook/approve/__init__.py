"""What a server serves now, pinned on the record once somebody has looked at exactly that."""
