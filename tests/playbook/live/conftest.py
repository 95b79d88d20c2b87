"""The whole stack, telemetry included, once for the tests of the checks; and ways to break it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playbook.live.meddler import Change, seen_through, wrong

from mcp_local import locked_tool
from mcp_local.load import Stack
from mcp_local.stack import place_for_test, running, started
from mcp_playbook import source
from mcp_playbook.deployment import Deployment

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
SECONDS = 300  # of one test; the first one waits for the stack

Through = Callable[[Change], AbstractAsyncContextManager[Deployment]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.live)
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest.fixture(scope="session")
def stack(run_folder: Path) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
        with running(run_folder / "playbook", root=ROOT, within=240) as stack:
            yield stack


@pytest.fixture
def at(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The stack as the checks see it, with evidence of this test's own."""
    monkeypatch.setenv(source.EVIDENCE, str(tmp_path / "evidence"))
    return source.of_stack(stack)


@pytest.fixture(scope="session")
def two_gateways(run_folder: Path) -> Iterator[Stack]:
    try:
        locked_tool.ready(ROOT, "caddy")
    except locked_tool.ToolMissingError as error:
        pytest.skip(f"no Caddy: {error}")
    stack = Stack(replace(place_for_test(run_folder / "two-gateways", ROOT), replicas=2))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
        with started(stack, within=240):
            yield stack


@pytest.fixture
def through(at: Deployment) -> Through:
    """The stack behind a gateway that does one thing wrong."""

    @asynccontextmanager
    async def opened(change: Change) -> AsyncIterator[Deployment]:
        async with wrong(at.origin, change) as address:
            yield seen_through(at, address)

    return opened
