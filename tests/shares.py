"""How the tests are shared out among the workers of `make test`.

A file stays together, because its fixtures are its own; live tests of one folder stay together,
because they have one stack; and they come first, because they take longest.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

# a folder whose tests have one stack: it stays together too
LIVE = ("tests/live/", "tests/clients/", "tests/playbook/live/")


class Shares(LoadScopeScheduling):  # type: ignore[misc]
    def _split_scope(self, nodeid: str) -> str:
        together = [folder for folder in LIVE if nodeid.startswith(folder)]
        return together[0] if together else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    config.option.loadscopereorder = False
    return Shares(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LIVE))
