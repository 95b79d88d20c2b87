"""How the tests are shared out among the workers of `make test`.

A file stays together, because its fixtures are its own; live tests of one folder stay together,
because they have one stack. What takes longest comes first: nobody ends up alone with it.
"""

import os
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

MOST_WORKERS = 6  # each has a Postgres, and some a whole stack
# a folder whose tests have one stack: it stays together too
LIVE = ("tests/live/", "tests/clients/", "tests/playbook/live/")
# in these folders, what brings a stack of its own
APART = (
    "tests/live/test_replicas.py",
    "tests/live/test_tls.py",
    "tests/live/test_other_servers.py",
    "tests/playbook/live/test_breaking_leaving.py",
)
FIRST = (
    "tests/playbook/upgrade/test_with_data.py",
    *LIVE,
    "tests/playbook/new_server/",
    "tests/faults/",
    "tests/servers/crm/test_once.py",
    "tests/house/test_tasks_killed.py",
    "tests/sandbox/crm/test_operators.py",
    "tests/infra/",
    "tests/gateway/audit/test_cli.py",
)


class Shares(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith(LIVE) and not nodeid.startswith(APART):
            return next(folder for folder in LIVE if nodeid.startswith(folder))
        return nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    config.option.loadscopereorder = False
    return Shares(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """More than cores: most tests wait for something real most of the time."""
    return min(2 * (os.cpu_count() or 1), MOST_WORKERS)


def place(item: pytest.Item) -> int:
    ranks = (rank for rank, start in enumerate(FIRST) if item.nodeid.startswith(start))
    return next(ranks, len(FIRST))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=place)
