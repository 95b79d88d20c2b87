"""What a whole gateway tells of its parts, when they are well and when each is away."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from house.asks import GOOD, result_of, tool_error, until
from house.backends import Counted, a_server, changed, counted_server
from house.cable import cable
from house.conftest import Opened
from house.operator import Operator
from house.test_outages import through
from opentelemetry import metrics
from people import Issuer
from readings import Readings, readings

from mcp_gateway.upstream.breaker import FAILURES
from mcp_local import valkey
from mcp_local.postgres import Postgres

NOTE = {"number": 1, "idempotency_key": "key-00001"}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Readings]:
    with readings() as made:
        monkeypatch.setattr(metrics, "get_meter", made.provider.get_meter)
        yield made


async def test_the_ledgers_disk_is_told_where_one_is_named(
    server: Counted, opened: Opened, told: Readings
) -> None:
    """Exported as mcp_gateway_ledger_disk_used_ratio: a gauge in the unit 1 gets that ending."""
    async with opened(server, ledger_disk="1 TiB"):
        assert 0 < told.one("mcp_gateway.ledger.disk.used") < 0.2


async def test_a_gateway_that_is_well_says_so(
    server: Counted, opened: Opened, told: Readings
) -> None:
    async with opened(server) as home:
        assert result_of(await home.call(GOOD["name"], GOOD["arguments"]))
        await home.settled(2)
        names = {
            "mcp_gateway.ledger.writable": 1, "mcp_gateway.ledger.backlog": 0,
            "mcp_gateway.audit.lag": 0, "mcp_gateway.limiter.alone": 0,
            "mcp_gateway.ledger.refused": 0, "mcp_gateway.replicas": 2,
        }  # fmt: skip
        assert {name: told.one(name) for name in names} == names
        for name, value in (("breaker.open", 0), ("quarantined", 0), ("compared", 1)):
            assert told.one(f"mcp_gateway.{name}", server="numbers") == value
        for kind in ("person", "agent", "tool", "tokens"):
            assert told.one("mcp_gateway.switches", kind=kind) == 0
        assert told.one("mcp_gateway.ledger.records") >= 2
        assert told.one("mcp_gateway.ledger.blocks") == told.one(
            "mcp_gateway.ledger.append.duration"
        )
        assert told.one("mcp_gateway.ledger.durable.time") > 1_700_000_000
        assert 0 <= told.one("mcp_gateway.issuer_keys.age") < 60
        assert told.one("mcp_gateway.exchanges", outcome="ok") >= 1
        assert told.one("mcp.client.operation.duration", server__address="numbers") == 1
        (labels,) = [at for name, at, _ in told.points() if name == "mcp.server.operation.duration"]
        assert labels["mcp_gateway.outcome"] == "ok"


async def test_a_database_that_hangs_shows_as_lag_before_calls_are_refused(
    server: Counted, opened: Opened, told: Readings, postgres_server: Postgres
) -> None:
    async with (
        cable(postgres_server.port) as ledger,
        opened(server, through=through(ledger.port)) as home,
    ):
        assert result_of(await home.call(GOOD["name"], GOOD["arguments"]))
        ledger.freeze()
        assert (await home.call(GOOD["name"], GOOD["arguments"])).status_code == 503
        assert told.one("mcp_gateway.audit.lag") > 1
        await until(lambda: told.one("mcp_gateway.ledger.writable") == 0)
        assert told.one("mcp_gateway.ledger.refused") >= 1
        assert told.one("mcp_gateway_decisions", reason="ledger_unavailable") == 1
        (failed,) = told.of("mcp.server.operation.duration", mcp_gateway__outcome="failed")
        assert failed == 1
        await ledger.mend()
        await until(lambda: told.one("mcp_gateway.ledger.writable") == 1)
        await until(lambda: told.one("mcp_gateway.audit.lag") == 0)


async def test_a_limiter_that_is_away_shows(
    server: Counted, opened: Opened, told: Readings, tmp_path: Path
) -> None:
    with contextlib.ExitStack() as own:
        store = own.enter_context(valkey.running(tmp_path / "valkey"))
        async with opened(server, redis_url=store.url) as home:
            own.close()  # the process ends
            for _ in range(2):
                tool_error(await home.call("numbers_note_number", NOTE))
            assert told.one("mcp_gateway.limiter.alone") == 1
            assert told.one("mcp_gateway_decisions", reason="limiter_unavailable") == 2


async def test_a_server_that_is_gone_shows_by_its_breaker(
    issuer: Issuer, opened: Opened, told: Readings
) -> None:
    async with counted_server(issuer) as server:
        opening = opened(server)
        home = await opening.__aenter__()
        assert result_of(await home.call(GOOD["name"], GOOD["arguments"]))
    try:
        for _ in range(FAILURES + 2):
            tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert told.one("mcp_gateway.breaker.open", server="numbers") == 1
        asked = "mcp.client.operation.duration"
        assert told.one(asked, error__type="server_unavailable") == FAILURES
        assert not told.of(asked, error__type="circuit_open")  # what rests was not asked
        served = "mcp.server.operation.duration"
        assert told.one(served, error__type="circuit_open", mcp_gateway__outcome="failed") == 2
    finally:
        await opening.__aexit__(None, None, None)


async def test_a_definition_in_quarantine_shows(
    issuer: Issuer, opened: Opened, told: Readings
) -> None:
    other = a_server()
    changed(other, "add_numbers")
    async with counted_server(issuer, other) as server, opened(server) as home:
        tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert told.one("mcp_gateway.quarantined", server="numbers") == 1
        served = "mcp.server.operation.duration"
        assert told.one(served, error__type="quarantined", mcp_gateway__outcome="refused") == 1


async def test_what_an_operator_closes_shows(
    server: Counted, opened: Opened, told: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server) as home:
        operator = Operator(home, monkeypatch)
        await operator("block", "--tool", GOOD["name"])
        tool_error(await home.call(GOOD["name"], GOOD["arguments"]))
        assert told.one("mcp_gateway.switches", kind="tool") == 1
