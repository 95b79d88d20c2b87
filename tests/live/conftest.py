"""The whole stack of this checkout, once for all live tests: own run folder, free ports, little data."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcp_local import locked_tool
from mcp_local.load import Stack
from mcp_local.stack import running

if TYPE_CHECKING:
    from live.replicated import Two

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
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)  # the stack's own telemetry
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "300")
        patch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "1000")
        yield from _started(run_folder)


def _started(run_folder: Path) -> Iterator[Stack]:
    with running(run_folder / "live", root=ROOT, within=240) as stack:
        yield stack


@pytest.fixture(scope="session")
def two(run_folder: Path) -> "Iterator[Two]":
    """A second stack, of two gateways behind a balancer."""
    from live.replicated import two_gateways

    try:
        locked_tool.ready(ROOT, "caddy")
    except locked_tool.ToolMissingError as error:
        pytest.skip(f"no Caddy: {error}")
    with two_gateways(run_folder / "two") as made:
        yield made
