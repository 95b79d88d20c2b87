"""What a call costs when there is ten and a hundred times more of everything around it."""

import asyncio
import contextlib
import copy
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg
from bench import stock
from bench.measured import Grown
from bench.rounds import settled, turn
from bench.stage import UNLIMITED, Stage, Subject, furnished, ledger
from people import Issuer, running_issuer

from mcp_shared import serve
from mcp_shared.contract import definition_hash

CONNECTIONS = 8
USUAL_TOOLS, USUAL_ROLES, USUAL_ROWS = 5, 5, 10_000
TIMES = (10, 100)


@dataclass(frozen=True)
class Size:
    """How much there is: the called tool is always the first of the first server."""

    servers: int = 1
    tools: int = USUAL_TOOLS
    roles: int = USUAL_ROLES
    rows: int = USUAL_ROWS


def sizes() -> Iterator[tuple[str, int, Size]]:
    yield "nothing", 1, Size()
    for times in TIMES:
        yield "servers", times, Size(servers=times)
        yield "tools", times, Size(tools=USUAL_TOOLS * times)
        yield "roles", times, Size(roles=USUAL_ROLES * times)
        yield "ledger rows", times, Size(rows=USUAL_ROWS * times)


def measured(stage: Stage, rounds: int, seconds: float, told: Callable[[str], None]) -> list[Grown]:
    found = []
    most = Size(max(TIMES), USUAL_TOOLS * max(TIMES), USUAL_ROLES * max(TIMES))
    with _issuer(stage, most) as issuer, _gateway(stage, issuer, "usual", Size()) as usual:
        for what, times, size in sizes():
            name = f"{what.replace(' ', '-')}-{times}"
            with _gateway(stage, issuer, name, size) as grown:
                beside, cost = [], []
                for _ in range(rounds):
                    beside.append(turn(stage, usual, CONNECTIONS, seconds).cpu_ms)
                    cost.append(turn(stage, grown, CONNECTIONS, seconds).cpu_ms)
                memory = grown.part.memory()
            found.append(Grown(what, times, tuple(cost), tuple(beside), memory))
            told(
                f"{what} x{times}: {median(cost):.4f} CPU-ms, beside {median(beside):.4f}; {memory / 2**20:.0f} MB"
            )
    return found


@contextlib.contextmanager
def _issuer(stage: Stage, most: Size) -> Iterator[Issuer]:
    """One that knows the clients of all servers and all roles."""
    with running_issuer(
        stage.folder / "large-issuer", servers=_servers(most), roles=_roles(most)
    ) as large:
        yield large


@contextlib.contextmanager
def _gateway(stage: Stage, issuer: Issuer, name: str, size: Size) -> Iterator[Subject]:
    database = f"{stage.database}_{name.replace('-', '_')}"
    asyncio.run(_ledger(stage.database, database, size.rows))
    office = furnished(
        stage.folder / name, issuer, database, stage.redis_url,
        locks=_locks(size), policy=_policy(size),
    )  # fmt: skip
    with ExitStack() as own:
        made = stage.gateway(name, office=office, stack=own)
        settled(made.part)
        yield made


def _servers(size: Size) -> list[str]:
    return ["stock", *(f"stock-{n}" for n in range(2, size.servers + 1))]


def _roles(size: Size) -> list[str]:
    return ["analyst", *(f"role-{n}" for n in range(2, size.roles + 1))]


def _tools(size: Size) -> list[str]:
    return ["read_shelf", *(f"read_shelf_{n}" for n in range(2, size.tools + 1))]


def _policy(size: Size) -> str:
    roles = ", ".join(_roles(size))
    lines = (f"  {one}: {{ roles: [{roles}], rate: {UNLIMITED} }}" for one in _tools(size))
    return "\n".join(["tools:", *lines, ""])


def _locks(size: Size) -> dict[str, Any]:
    """The one definition under many names; the upstream serves it as it is called here."""
    lock = asyncio.run(serve.definitions(stock.build()))
    tools = []
    for name in _tools(size):
        tool = {k: v for k, v in copy.deepcopy(lock["tools"][0]).items() if k != "hash"}
        tool["name"] = name
        tools.append({**tool, "hash": definition_hash(tool)})
    return {one: {**lock, "server": one, "tools": tools} for one in _servers(size)}


async def _ledger(beside: str, database: str, rows: int) -> None:
    await ledger(beside, database)
    connection = await asyncpg.connect(database)
    await connection.execute(_ROWS, rows, timeout=300)
    await connection.execute("VACUUM ANALYZE audit.record")
    await connection.close()


_ROWS = """
    INSERT INTO audit.record (seg_day, seg, seq, block, body, ts, kind, rid, person, subject, agent,
        method, server, tool, decision, reason, status, latency_ms, trace)
    SELECT (clock_timestamp() AT TIME ZONE 'UTC')::date, '00000000-0000-4000-8000-000000000000', n,
        n, convert_to(repeat('x', 700), 'UTF8'), clock_timestamp(), 'outcome', md5(n::text), 'ana',
        md5('ana'), 'mcp-dev-cli', 'tools/call', 'stock', 'read_shelf', 'allow', 'role', 'ok', 1.5,
        md5(n::text) FROM generate_series(1, $1::int) AS n
"""
