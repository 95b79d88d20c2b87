"""The whole stack of this checkout, once for all clients: their own run folder and ports."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clients.person import Person

from mcp_local.load import Stack
from mcp_local.stack import running

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 300  # of one test; the first one waits for the stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def stack(run_folder: Path) -> Iterator[Stack]:
    with running(run_folder / "clients", root=ROOT, within=240) as stack:
        yield stack


@pytest.fixture
def ana(stack: Stack) -> Person:
    """In front of a browser in which nobody has signed in yet."""
    return Person("ana", stack)
