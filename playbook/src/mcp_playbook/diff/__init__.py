"""What changed between two sets of definitions, in words a reviewer can sign."""
