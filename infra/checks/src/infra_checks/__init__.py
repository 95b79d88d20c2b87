"""Validators over everything under infra/ that no test of ours runs: a line each, with versions."""
