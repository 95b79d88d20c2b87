"""What is done to a site while calls are made: each fault with a name, an end, and its repair."""

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import asyncpg
import psutil
from faults.cluster import FAST, IMMEDIATE
from faults.failpoints import STEPS
from faults.place import Replica, Site

REACHED_SECONDS = 10.0  # for a call to come by the armed step
DISK_MEGABYTES = 160  # a new cluster takes 60
LEDGER_WAITS = 2.0  # seconds, `audit.timeout`
SESSIONS = "application_name LIKE 'ledger-%' AND datname = $1"

Fault = Callable[[Site], Awaitable[int]]  # how many faults it made


async def step(site: Site, name: str, action: str, milliseconds: int = 0) -> int:
    """Every gateway runs into this failpoint."""
    reached = (_reached(site, one, name, action, milliseconds) for one in site.replicas)
    return sum(await asyncio.gather(*reached))


async def _reached(site: Site, one: Replica, name: str, action: str, milliseconds: int) -> int:
    before = one.passed()
    await one.serves()
    one.arm(name, action, milliseconds)
    if name == "recovery":  # it comes by when a session is opened anew
        await end_sessions(site)
    deadline = time.monotonic() + REACHED_SECONDS
    while one.passed() == before and time.monotonic() < deadline:  # noqa: ASYNC110  another process's file
        await asyncio.sleep(0.01)
    one.disarm()
    return one.passed() - before


def failpoint(name: str, action: str = "kill", milliseconds: int = 0) -> Fault:
    async def fault(site: Site) -> int:
        return await step(site, name, action, milliseconds)

    return fault


async def end_sessions(site: Site) -> int:
    """A database administrator ends the writers' sessions."""
    rows = await site.cluster.sql(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {SESSIONS}", site.database
    )
    return len(rows)


async def kill_a_gateway(site: Site) -> int:
    one = random.choice(site.replicas)
    one.signal(signal.SIGKILL)
    await asyncio.sleep(0.2)
    await one.serves()
    return 1


async def stop_a_gateway(site: Site) -> int:
    """It stands still, holding what it holds, and goes on as if nothing had been."""
    one = random.choice(site.replicas)
    one.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(random.uniform(0.3, 3))
    finally:
        one.signal(signal.SIGCONT)
    return 1


async def stop_sessions(site: Site) -> int:
    """The writers' backends stand still for longer than the ledger waits."""
    rows = await site.cluster.sql(
        f"SELECT pid FROM pg_stat_activity WHERE {SESSIONS}", site.database
    )
    stopped = []
    for row in rows:
        with contextlib.suppress(psutil.NoSuchProcess):
            one = psutil.Process(row["pid"])
            one.suspend()
            stopped.append(one)
    await asyncio.sleep(LEDGER_WAITS * random.uniform(0.2, 1.5))
    for one in stopped:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.resume()
    return len(stopped)


async def hold_the_table(site: Site) -> int:
    """A block waits on its way until the ledger has given it up; then the way is free."""
    connection = await asyncpg.connect(site.cluster.address.url(site.database))
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE audit.block IN EXCLUSIVE MODE")
            await asyncio.sleep(LEDGER_WAITS + 1)
    finally:
        await connection.close()
    return 1


def restart(how: signal.Signals) -> Fault:
    async def fault(site: Site) -> int:
        await site.cluster.stop(how)
        await asyncio.sleep(random.uniform(0, 0.5))
        await site.cluster.start()
        return 1

    return fault


async def kill_postgres(site: Site) -> int:
    await site.cluster.kill()
    await site.cluster.start()
    return 1


async def kill_everything(site: Site) -> int:
    for one in site.replicas:
        one.signal(signal.SIGKILL)
    await site.cluster.kill()
    await site.cluster.start()
    return 1 + len(site.replicas)


async def _mended(site: Site, seconds: float) -> int:
    await asyncio.sleep(seconds)
    await site.proxy.mend()
    return 1


async def slow_wire(site: Site) -> int:
    site.proxy.delay, site.proxy.slice = 0.02, 700
    return await _mended(site, 2)


async def cut_wire(site: Site) -> int:
    """Somewhere in the middle of a block, or of its acknowledgement."""
    for _ in range(5):
        site.proxy.left = random.randrange(20_000)
        await asyncio.sleep(0.3)
    return await _mended(site, 0) * 5


async def black_hole(site: Site) -> int:
    site.proxy.swallow()
    return await _mended(site, LEDGER_WAITS * random.uniform(0.3, 1.5))


async def refused_wire(site: Site) -> int:
    site.proxy.refuse()
    return await _mended(site, random.uniform(0.2, 2))


async def fill_the_disk(site: Site) -> int:
    """Until nothing fits; then space is made, and PostgreSQL started if that had ended it."""
    assert site.disk is not None
    filler = site.disk / "filler"
    await asyncio.to_thread(_fill, filler)
    refused = site.clients.count("unavailable")
    deadline = time.monotonic() + 20
    while site.clients.count("unavailable") == refused and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
        await asyncio.to_thread(_fill, filler)
    await asyncio.sleep(1)
    filler.unlink()
    if site.cluster.ended:
        await site.cluster.start()
    return 1


def _fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as file:
        while True:
            file.write(b"\0" * 65_536)


FAILPOINTS: Mapping[str, Fault] = {
    **{f"failpoint {one}": failpoint(one) for one in STEPS},
    # by then, whoever was told too early has told its caller
    "failpoint before_block, late": failpoint("before_block", "kill", 60),
}
CUTS: Mapping[str, Fault] = {
    "cut before a block": failpoint("before_block", "cut"),
    "cut after a commit": failpoint("after_commit", "cut"),
}
PROCESSES: Mapping[str, Fault] = {
    "gateway killed": kill_a_gateway,
    "gateway stopped for a while": stop_a_gateway,
    "sessions ended": end_sessions,
    "sessions stopped for a while": stop_sessions,
    "table held": hold_the_table,
    "PostgreSQL restarted": restart(FAST),
    "PostgreSQL stopped at once": restart(IMMEDIATE),
    "PostgreSQL killed": kill_postgres,
    "everything killed": kill_everything,
}
WIRES: Mapping[str, Fault] = {
    "slow wire": slow_wire,
    "wire cut": cut_wire,
    "black hole": black_hole,
    "wire refused": refused_wire,
}
ALL = {**FAILPOINTS, **CUTS, **PROCESSES, **WIRES}
