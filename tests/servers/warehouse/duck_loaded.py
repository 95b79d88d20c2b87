"""The same generator's data in DuckDB files, by the same SQL as PostgreSQL's, one file a region."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
from postgres.loaded import SCALE

from mcp_warehouse.duck.room import SHARED, file_of
from mcp_warehouse.rights import REGIONS
from seed_warehouse.generate import generate
from seed_warehouse.load import SQL, TABLES

GUARDED = ("accounts", "orders", "order_lines")
# PostgreSQL's own: roles, session settings, keys and indexes, statistics
LEFT_OUT = ("SET ", "ALTER ", "ANALYZE", "CREATE INDEX", "CREATE SCHEMA", "DROP ", "INSERT ", "DO ")


def loaded(folder: Path, as_of: date) -> Path:
    """A folder as `WAREHOUSE_DATABASE_URL=duckdb:///...` expects it."""
    generate(TABLES, SCALE, folder)
    whole = duckdb.connect(str(folder / "whole.duckdb"))
    try:
        whole.execute("CREATE SCHEMA tpch; CREATE SCHEMA sales")
        _run(whole, "020_tpch.sql")
        for table in TABLES:
            whole.execute(f"COPY tpch.{table} FROM '{folder}/{table}.csv' (header true)")
        whole.execute(
            "INSERT INTO tpch.load (scale, as_of, shift_days)"
            " SELECT 0, $1::date, $1::date - max(o_orderdate) FROM tpch.orders",
            [as_of],
        )
        for file in ("040_sales.sql", "050_views.sql", "060_comments.sql"):
            _run(whole, file)
        for region in REGIONS:
            _regions_file(whole, folder / file_of(region), region)
        _shared_file(whole, folder / f"{SHARED}.duckdb")
    finally:
        whole.close()
    (folder / "whole.duckdb").unlink()
    return folder


def _run(db: duckdb.DuckDBPyConnection, name: str) -> None:
    for statement in _statements((SQL / name).read_text()):
        db.execute(statement)


def _statements(text: str) -> Iterator[str]:
    for one in re.sub(r"--.*", "", text).split(";\n"):
        if (statement := one.strip()) and not statement.startswith(LEFT_OUT):
            yield statement.replace("WITH (security_invoker = true) ", "")


def _regions_file(whole: duckdb.DuckDBPyConnection, file: Path, region: str) -> None:
    whole.execute(f"ATTACH '{file}' AS there; CREATE SCHEMA there.sales")
    for table in GUARDED:
        whole.execute(
            f"CREATE TABLE there.sales.{table} AS SELECT * FROM sales.{table} WHERE region = $1",
            [region],
        )
    whole.execute("DETACH there")


def _shared_file(whole: duckdb.DuckDBPyConnection, file: Path) -> None:
    whole.execute(f"ATTACH '{file}' AS there; CREATE SCHEMA there.sales; CREATE SCHEMA there.about")
    for table in ("regions", "nations", "suppliers", "products", "as_of"):
        whole.execute(f"CREATE TABLE there.sales.{table} AS SELECT * FROM sales.{table}")
    whole.execute(
        "CREATE TABLE there.about.tables AS"
        " SELECT row_number() OVER (ORDER BY table_type, table_name) AS position,"
        " table_name AS name, CASE table_type WHEN 'VIEW' THEN 'view' ELSE 'table' END AS kind,"
        " coalesce(TABLE_COMMENT, '') AS description, table_name IN ('accounts', 'orders',"
        " 'order_lines') AS by_region,"
        " CASE WHEN table_name <> 'as_of' THEN regexp_replace(sql, '^CREATE VIEW \\S+ AS ', '')"
        " END AS definition"
        " FROM information_schema.tables LEFT JOIN duckdb_views()"
        " ON view_name = table_name AND schema_name = 'sales' AND database_name = 'whole'"
        " WHERE table_schema = 'sales' AND table_catalog = 'whole'"
    )
    whole.execute(
        "CREATE TABLE there.about.columns AS SELECT table_name, column_index AS position,"
        " column_name AS name, lower(data_type) AS type, coalesce(comment, '') AS description"
        " FROM duckdb_columns() WHERE schema_name = 'sales' AND database_name = 'whole'"
    )
    whole.execute("DETACH there")
