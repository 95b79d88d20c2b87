"""The four weeks as commands, looking at a deployment from outside.

Nothing in production imports it.
"""
