"""Attacks are made on the house of tests/house: a gateway with everything real around it."""

from attacks.upstream import behind, evil
from house.conftest import home, issuer, ledger_template, opened, server, standing
from servers.docs.conftest import handbook, knowledge

__all__ = [
    "behind",
    "evil",
    "handbook",
    "home",
    "issuer",
    "knowledge",
    "ledger_template",
    "opened",
    "server",
    "standing",
]
