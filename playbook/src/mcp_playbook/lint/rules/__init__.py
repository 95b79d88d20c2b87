"""One file per rule of the description contract: a pure function from a tool to its findings."""
