"""Attacks are made on the house of tests/house: a gateway with everything real around it."""

from attacks.upstream import behind, evil
from attacks.warehouse import warehouse_behind, warehouse_server
from house.conftest import (
    home,
    issuer,
    jobs,
    jobs_server,
    ledger_template,
    opened,
    server,
    standing,
)
from postgres.conftest import planted_admin, planted_warehouse, warehouse
from servers.docs.conftest import handbook, knowledge
from servers.warehouse.conftest import warehouse_issuer

__all__ = [
    "behind",
    "evil",
    "handbook",
    "home",
    "issuer",
    "jobs",
    "jobs_server",
    "knowledge",
    "ledger_template",
    "opened",
    "planted_admin",
    "planted_warehouse",
    "server",
    "standing",
    "warehouse",
    "warehouse_behind",
    "warehouse_issuer",
    "warehouse_server",
]
