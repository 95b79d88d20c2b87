"""The one that repairs: it knows what it sent, what came back as text, and what it was asked.

It never reads a schema, and was frozen before the held-out mistakes were written: its hash is in
parameters.yaml.
"""
