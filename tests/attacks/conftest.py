"""Attacks are made on the house of tests/house: a gateway with everything real around it."""

from house.conftest import home, issuer, ledger_template, opened, server, standing

__all__ = ["home", "issuer", "ledger_template", "opened", "server", "standing"]
