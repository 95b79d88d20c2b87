"""The checklists of the four weeks, a file for each subject; `catalogue` lists every check."""
