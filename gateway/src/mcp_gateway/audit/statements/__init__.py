"""What is gone on purpose, and signed: retired segments, restored backups."""
