"""The short run of the fault proof; `make faults MINUTES=30` is the long one."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from faults import checker, cluster
from faults.place import Surroundings, surroundings
from faults.rounds import play
from faults.schedule import ALL, CUTS, DISK_MEGABYTES, FAILPOINTS, fill_the_disk
from faults.wrong import QUICK, SHOWN

SHORT = [*FAILPOINTS, *CUTS, "sessions ended", "PostgreSQL stopped at once", "wire cut"]


@pytest.fixture(scope="module")
def around(run_folder: Path) -> Iterator[Surroundings]:
    with surroundings(run_folder / "faults") as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def durable(run_folder: Path) -> AsyncIterator[cluster.Cluster]:
    async with cluster.running(run_folder / "faults-postgres") as found:
        yield found


@pytest.mark.timeout(240)
async def test_L12_L13_whatever_breaks_every_answer_that_was_seen_is_on_the_record_once(
    around: Surroundings, durable: cluster.Cluster
) -> None:
    found = await play(around, durable, [(name, ALL[name]) for name in SHORT])
    assert found.complaints == []
    assert all(found.faults[name] for name in SHORT), f"never happened: {found.faults}"
    assert found.calls["answer"] > 200
    assert found.calls["denied"] > 10


@pytest.mark.timeout(120)
async def test_L11_a_full_disk_refuses_calls_and_loses_none(
    around: Surroundings, run_folder: Path
) -> None:
    try:
        async with cluster.on_a_small_disk(run_folder / "small", DISK_MEGABYTES) as (full, disk):
            found = await play(around, full, [("disk full", fill_the_disk)], disk=disk)
    except PermissionError as error:
        pytest.skip(str(error))
    assert found.complaints == []
    assert found.calls["unavailable"] > 0
    assert found.calls["answer"] > 50


@pytest.mark.parametrize("mutant", QUICK)
@pytest.mark.timeout(120)
async def test_a_ledger_that_is_wrong_in_this_way_is_caught(
    around: Surroundings, durable: cluster.Cluster, mutant: str
) -> None:
    shown = SHOWN[mutant]
    found = await play(around, durable, [(name, ALL[name]) for name in shown.by], mutant=mutant)
    assert shown.complaints <= set(checker.kinds(found.complaints)), found.complaints[:5]
