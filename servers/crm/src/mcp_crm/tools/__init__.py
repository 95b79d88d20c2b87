"""One file per tool; the file, its function and its policy share one name."""
