"""The operator page: which tools fail, who called what, and the record of each call."""
