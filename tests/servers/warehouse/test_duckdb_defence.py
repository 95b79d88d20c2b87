"""What of the defence DuckDB has: each engine-side piece alone, without the guard before it.

The table of playbook/decisions/0032 is what these tests say.
"""

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from servers.warehouse import duck_loaded

from mcp_shared.faults import Fault
from mcp_warehouse.duck import files, room
from mcp_warehouse.guard import Admitted
from mcp_warehouse.rights import Regions, regions_of
from mcp_warehouse.settings import Settings

EUROPE = regions_of(["region-europe"])
MEMORY_MB = 256
CAP = 1001
ATTACKS = json.loads((Path(__file__).parents[2] / "postgres/attacks.json").read_text())
# a text of a gigabyte is made, slowly: see test_one_text_may_be_larger_than_the_memory_limit
HOSTILE = {one["id"]: one["sql"] for one in ATTACKS if one["row"] and one["id"] != "repeat"}
FOREIGN = {"AFRICA", "AMERICA", "ASIA", "MIDDLE EAST"}


@pytest.fixture(scope="module")
def folder(run_folder: Path) -> Path:
    there = run_folder / "duckdb-defence"
    there.mkdir()
    return duck_loaded.loaded(there, date(2026, 1, 31))


@pytest.fixture
def here(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    opened = room.opened(folder, EUROPE, MEMORY_MB)
    yield opened
    opened.close()


def digest(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("*.duckdb")}


def tried(here: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]] | None:
    """Rows of a statement that DuckDB's own parser and its settings let through."""
    stop = threading.Timer(1.0, here.interrupt)
    stop.start()
    try:
        return here.execute(room.one_select(here, sql)).fetchmany(CAP)
    except (duckdb.Error, room.NotOneSelectError):
        return None
    finally:
        stop.cancel()


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_known_attack_changes_no_file_and_shows_no_foreign_row(
    folder: Path, here: duckdb.DuckDBPyConnection, name: str
) -> None:
    before = digest(folder)
    rows = tried(here, HOSTILE[name]) or []
    assert len(rows) <= CAP
    assert not [row for row in rows if FOREIGN & {value for value in row if isinstance(value, str)}]
    assert digest(folder) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/passwd'",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/region-asia.duckdb' AS asia",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM duckdb_secrets()",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "RESET lock_configuration",
        "DELETE FROM region0.sales.orders",
        "INSERT INTO shared.sales.regions VALUES ('X')",
    ],
)
def test_settings_alone_refuse_files_other_databases_and_writes(
    folder: Path, here: duckdb.DuckDBPyConnection, sql: str
) -> None:
    with pytest.raises(duckdb.Error):
        here.execute(sql.format(folder=folder)).fetchall()
    assert not list(folder.glob("out*"))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1; SELECT 2",
        "DETACH region0; ATTACH 'x' AS region0",
        "CREATE TABLE t (a INTEGER)",
        "SET threads = 4",
        "CALL pragma_version()",
        "BEGIN",
        "EXPLAIN ANALYZE SELECT 1",
        "VACUUM",
        "CREATE MACRO f(a) AS a",
    ],
)
def test_duckdbs_own_parser_lets_one_select_through_and_nothing_else(
    here: duckdb.DuckDBPyConnection, sql: str
) -> None:
    with pytest.raises(room.NotOneSelectError):
        room.one_select(here, sql)


def test_read_only_is_a_property_of_the_attachment_and_ends_with_it(
    folder: Path, tmp_path: Path
) -> None:
    """Why one SELECT is checked again, and why the files belong on a read-only file system."""
    for file in folder.glob("*.duckdb"):
        shutil.copy(file, tmp_path)
    opened = room.opened(tmp_path, EUROPE, MEMORY_MB)
    path = tmp_path / "region-europe.duckdb"
    opened.execute(f"DETACH region0; ATTACH '{path}' AS region0")
    assert opened.execute("DELETE FROM region0.sales.orders").fetchone()
    opened.close()


def test_what_a_question_makes_is_gone_with_it(folder: Path) -> None:
    for _ in range(2):
        opened = room.opened(folder, EUROPE, MEMORY_MB)
        opened.execute("CREATE TABLE sales.left_behind AS SELECT 1")
        opened.close()


def test_a_persons_regions_are_the_only_files_that_are_there(
    here: duckdb.DuckDBPyConnection,
) -> None:
    names = here.execute("SELECT path FROM duckdb_databases() WHERE path IS NOT NULL").fetchall()
    assert {Path(path).name for (path,) in names} == {"shared.duckdb", "region-europe.duckdb"}


def test_a_sort_that_needs_more_memory_than_a_question_gets_fails(
    folder: Path, here: duckdb.DuckDBPyConnection
) -> None:
    small = room.opened(folder, EUROPE, 64)
    sql = "SELECT a.* FROM region0.sales.order_lines a, range(1000) ORDER BY random()"
    with pytest.raises(duckdb.OutOfMemoryException):
        small.execute(sql).fetchmany(10)
    small.close()


def test_one_text_may_be_larger_than_the_memory_limit(folder: Path) -> None:
    """Texts are not counted, nor interrupted: left to the guard, which refuses what makes them."""
    small = room.opened(folder, EUROPE, 64)
    (length,) = small.execute("SELECT length(repeat('x', 80 * 1024 * 1024))").fetchone() or (0,)
    assert length > 64 * 1024 * 1024
    small.close()


async def test_the_port_refuses_what_an_admitted_text_may_not_be(folder: Path) -> None:
    """As if the guard had been wrong."""
    settings = Settings(database_url=f"duckdb://{folder}")
    async with files.reading(settings) as engine:
        for sql in (
            "DELETE FROM region0.sales.orders",
            "SELECT 1; SELECT 2",
            "CREATE TABLE t (a INT)",
        ):
            with pytest.raises(Fault):
                await engine.select(
                    Admitted(sql, frozenset(), ()), 10, Regions(EUROPE.names, every=False)
                )
