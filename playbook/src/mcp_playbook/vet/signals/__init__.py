"""One file per signal of the rubric; each makes points of a record, or says unknown."""
