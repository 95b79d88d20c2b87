"""One file per place that facts about a server come from."""
