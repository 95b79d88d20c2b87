"""Results too large for a model: files that are what was selected, kept for one person, for a time."""

import asyncio
import base64
import csv
import io
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp import Client
from mcp.shared.exceptions import MCPError
from postgres.loaded import Loaded

from mcp_local.ports import free_port
from mcp_shared.faults import Unavailable
from mcp_shared.identity import Caller, become
from mcp_warehouse.results.columns import kinds, names
from mcp_warehouse.results.parts import made
from mcp_warehouse.results.resource import NO_RESULT, address
from mcp_warehouse.results.store import Results, keeping
from mcp_warehouse.rights import Regions, regions_of
from mcp_warehouse.server import build
from mcp_warehouse.settings import Settings

EUROPE, EVERY = regions_of(["region-europe"]), regions_of(["region-all"])
ROWS = [[1, "a", 1.5, "2026-01-31", None], [2, 'ü,"\n', 2, "2026-02-01", True]]
COLUMNS = ["id", "text", "number", "day", "flag"]
FILES = made(COLUMNS, ROWS)
VALUES = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"]))  # fmt: skip


def configured(warehouse: Loaded, **more: Any) -> Settings:
    return Settings(database_url=warehouse.ro_url, results_url=warehouse.results_url, **more)


@pytest_asyncio.fixture
async def results(warehouse: Loaded) -> AsyncIterator[Results]:
    async with keeping(configured(warehouse)) as opened:
        assert opened
        yield opened


@pytest_asyncio.fixture
async def table(warehouse: Loaded) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(warehouse.admin_url)
    await db.execute("DELETE FROM results.part")
    yield db
    await db.execute("DELETE FROM results.part")
    await db.close()


@settings(deadline=None, max_examples=200)  # the first one loads pyarrow
@given(
    st.integers(0, 4).flatmap(
        lambda width: st.lists(st.lists(VALUES, min_size=width, max_size=width))
    )
)
def test_both_files_hold_what_was_selected(rows: list[list[Any]]) -> None:
    width = len(rows[0]) if rows else 2
    columns = ["same"] * width
    files = made(columns, rows)
    assert [name for name, _ in files.schema] == names(columns)
    read = (
        [
            row
            for part in files.parts
            for row in csv.reader(io.StringIO(part.csv.decode(), newline=""))
        ][1:]
        if width
        else []
    )
    assert len(read) == (len(rows) if width else 0)
    (part,) = files.parts
    found = pq.read_table(io.BytesIO(part.parquet))
    assert found.column_names == names(columns)
    for at, kind in enumerate(kinds(width, rows)):
        values = found.column(at).to_pylist()
        for value, row in zip(values, rows, strict=True):
            if row[at] is None:
                assert value is None
            elif kind in ("integer", "number", "boolean"):
                assert value == (float(row[at]) if kind == "number" else row[at])


def test_columns_have_the_types_their_values_have() -> None:
    rows = [[1, 1, True, "2026-01-31", "2026-01-31T10:00:00.5", "2026-02-30", 2**63, None]]
    rows.append([2, 1.5, None, "2026-02-28", "2026-01-31T10:00:00", "x", 1, None])
    assert kinds(8, rows) == [
        "integer",
        "number",
        "boolean",
        "date",
        "timestamp",
        "text",
        "text",
        "text",
    ]
    table = pq.read_table(io.BytesIO(made(["c"] * 8, rows).parts[0].parquet))
    assert [str(one.type) for one in table.schema] == [
        "int64", "double", "bool", "date32[day]", "timestamp[us]", "string", "string", "string",
    ]  # fmt: skip
    assert table.column(3).to_pylist() == [date(2026, 1, 31), date(2026, 2, 28)]


def test_a_text_that_looks_like_a_day_and_is_none_stays_a_text() -> None:
    assert kinds(1, [["2026-02-30"], ["2026-01-01"]]) == ["text"]
    assert kinds(1, [["2026-01-01\n"]]) == ["text"]


def test_parts_are_whole_files_and_none_is_too_large() -> None:
    rows = [[number, f'text "{number}"\n'] for number in range(2_000)]
    files = made(["id", "text"], rows, most=20_000)
    assert len(files.parts) > 2
    assert sum(part.rows for part in files.parts) == len(rows)
    found = []
    for part in files.parts:
        assert len(part.parquet) * 4 / 3 <= 20_000
        header, *read = csv.reader(io.StringIO(part.csv.decode(), newline=""))
        assert header == ["id", "text"]
        assert pq.read_table(io.BytesIO(part.parquet)).num_rows == len(read) == part.rows
        found += read
    assert found == [[str(number), text] for number, text in rows]


async def test_what_is_kept_is_read_on_every_replica(warehouse: Loaded, results: Results) -> None:
    identity, until = await results.keep("ana", EUROPE, FILES.parts)
    assert timedelta(minutes=59) < until - datetime.now(UTC) < timedelta(minutes=61)
    async with keeping(configured(warehouse)) as replica:
        assert replica
        assert await replica.read("ana", EUROPE, identity, 1, "csv") == FILES.parts[0].csv
        assert await replica.read("ana", EVERY, identity, 1, "parquet") == FILES.parts[0].parquet


@pytest.mark.parametrize(
    ("owner", "regions", "number", "kind"),
    [
        ("ben", EUROPE, 1, "csv"),
        ("", EUROPE, 1, "csv"),
        ("ana", regions_of(["region-asia"]), 1, "csv"),
        ("ana", EUROPE, 2, "csv"),
        ("ana", EUROPE, 0, "csv"),
        ("ana", EUROPE, 1, "exe"),
    ],
)
async def test_nobody_else_finds_it_nor_its_owner_without_the_regions(
    results: Results, owner: str, regions: Regions, number: int, kind: str
) -> None:
    identity, _ = await results.keep("ana", EUROPE, FILES.parts)
    assert await results.read(owner, regions, identity, number, kind) is None
    assert await results.read("ana", EUROPE, identity[:-1], 1, "csv") is None


async def test_an_expired_result_is_not_found_and_goes_with_the_next_write(
    results: Results, table: asyncpg.Connection
) -> None:
    identity, _ = await results.keep("ana", EUROPE, FILES.parts)
    await table.execute("UPDATE results.part SET expires_at = now()")
    assert await results.read("ana", EUROPE, identity, 1, "csv") is None
    assert await table.fetchval("SELECT count(*) FROM results.part") == 2
    await results.keep("ben", EUROPE, FILES.parts)
    assert {row["owner"] for row in await table.fetch("SELECT owner FROM results.part")} == {"ben"}


async def test_what_has_expired_is_deleted_without_anybody_asking(
    warehouse: Loaded, results: Results, table: asyncpg.Connection
) -> None:
    await results.keep("ana", EUROPE, FILES.parts)
    kept, _ = await results.keep("ben", EUROPE, FILES.parts)
    await table.execute("UPDATE results.part SET expires_at = now() WHERE owner = 'ana'")
    async with keeping(configured(warehouse), sweep_seconds=0.05) as replica, asyncio.timeout(30):
        assert replica
        while await table.fetchval("SELECT count(*) FROM results.part WHERE owner = 'ana'"):
            pass
        assert await replica.read("ben", EUROPE, kept, 1, "csv")


async def test_a_server_starts_and_ends_while_the_table_is_away(warehouse: Loaded) -> None:
    nowhere = f"postgresql://wh_results:x@127.0.0.1:{free_port()}/warehouse"
    given = Settings(database_url=warehouse.ro_url, results_url=nowhere)
    async with keeping(given, sweep_seconds=0.01) as results:
        assert results
        with pytest.raises(Unavailable):
            await results.keep("ana", EUROPE, FILES.parts)
        with pytest.raises(Unavailable):
            await results.read("ana", EUROPE, "x", 1, "csv")


async def test_a_persons_oldest_results_make_room(
    warehouse: Loaded, table: asyncpg.Connection
) -> None:
    async with keeping(configured(warehouse, most_results=3)) as results:
        assert results
        other, _ = await results.keep("ben", EUROPE, FILES.parts)
        made_ids = [(await results.keep("ana", EUROPE, FILES.parts))[0] for _ in range(5)]
        found = [await results.read("ana", EUROPE, one, 1, "csv") is not None for one in made_ids]
        assert found == [False, False, True, True, True]
        assert await results.read("ben", EUROPE, other, 1, "csv")


async def test_when_there_is_no_room_left_it_says_so(
    warehouse: Loaded, table: asyncpg.Connection
) -> None:
    large = made(["x"], [["y" * 10_000] for _ in range(60)]).parts
    async with keeping(configured(warehouse, most_kept_bytes=1_000_000)) as results:
        assert results
        await results.keep("ana", EUROPE, large)
        with pytest.raises(Unavailable, match="no room"):
            await results.keep("ben", EUROPE, large)
    assert await table.fetchval("SELECT count(DISTINCT owner) FROM results.part") == 1


async def test_the_table_has_no_id_to_ask_with(results: Results, table: asyncpg.Connection) -> None:
    identity, _ = await results.keep("ana", EUROPE, FILES.parts)
    assert len(identity) >= 43
    row = dict((await table.fetch("SELECT * FROM results.part"))[0])
    assert identity.encode() not in b"".join(v for v in row.values() if isinstance(v, bytes))


async def test_each_login_reaches_its_own_alone(warehouse: Loaded) -> None:
    for url, sql in [
        (warehouse.ro_url, "SELECT * FROM results.part"),
        (warehouse.ro_url, "INSERT INTO results.part (owner) VALUES ('x')"),
        (warehouse.results_url, "SELECT * FROM sales.orders"),
        (warehouse.results_url, "SELECT * FROM tpch.orders"),
        (warehouse.results_url, "UPDATE results.part SET owner = 'x'"),
        (warehouse.results_url, "CREATE TABLE results.more (a int)"),
        (warehouse.results_url, "CREATE TEMP TABLE more (a int)"),
        (warehouse.results_url, "SELECT pg_read_file('/etc/passwd')"),
    ]:
        db = await asyncpg.connect(url, statement_cache_size=0)
        await db.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await db.execute(sql)
        await db.close()


@contextmanager
def person(name: str, *groups: str) -> Iterator[None]:
    become(Caller(name, name, name, frozenset(), frozenset(groups), "test"))
    yield


async def test_a_resource_is_read_by_whoever_made_it_and_reads_the_same_to_all_others(
    warehouse: Loaded, results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, _ = await results.keep("ana", EUROPE, FILES.parts)
    monkeypatch.setenv("WAREHOUSE_DATABASE_URL", warehouse.ro_url)
    monkeypatch.setenv("WAREHOUSE_RESULTS_URL", warehouse.results_url)
    uris = [address(identity, 1, "csv"), address(identity, 1, "parquet")]
    async with Client(build()) as client:
        with person("ana", "region-europe"):
            text, blob = [(await client.read_resource(uri)).contents[0] for uri in uris]
        assert text.text == FILES.parts[0].csv.decode()  # type: ignore[union-attr]
        assert text.mime_type == "text/csv"
        assert base64.b64decode(blob.blob) == FILES.parts[0].parquet  # type: ignore[union-attr]
        said = set()
        refused = [
            ("ben", ("region-europe",), uris[0]),
            ("ana", ("region-asia",), uris[0]),
            ("ana", ("analyst",), uris[1]),
            ("ana", ("region-europe",), address("x" * 43, 1, "csv")),
            ("ana", ("region-europe",), address(identity, 2, "csv")),
            ("ana", ("region-europe",), uris[0].replace("/1.csv", "/-1.csv")),
            ("ana", ("region-europe",), uris[0].replace("/1.csv", "/١.csv")),
            ("ana", ("region-europe",), uris[0].replace("/1.csv", "/9999999999999999999.csv")),
            ("ana", ("region-europe",), uris[0].replace(".csv", ".exe")),
            ("ana", ("region-europe",), f"warehouse://results/../{identity}/1.csv"),
            ("ana", ("region-europe",), "warehouse://other"),
        ]
        for name, groups, uri in refused:
            with person(name, *groups), pytest.raises(MCPError) as told:
                await client.read_resource(uri)
            said.add((told.value.error.code, told.value.error.message))
        assert said == {(-32602, NO_RESULT)}
        assert not re.search(re.escape(identity), str(said))


async def test_without_a_table_there_are_no_results(
    warehouse: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_DATABASE_URL", warehouse.ro_url)
    async with Client(build()) as client:
        with person("ana", "region-europe"), pytest.raises(MCPError, match="no such result"):
            await client.read_resource(address("x" * 43, 1, "csv"))
