"""The four weeks as commands. It looks at a deployment from outside; nothing in production imports it."""
