"""Every record as it comes, for a SIEM."""
