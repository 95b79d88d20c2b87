"""The warehouse's database makes the tasks' table itself, under an owner of its own: one table."""

import re
from pathlib import Path

from mcp_local.place import find_root
from mcp_shared.tasks import migrate

SQL = find_root(Path(__file__).parent) / "infra/postgres/warehouse/100_tasks.sql"


def made(text: str) -> list[str]:
    """The statements that make the table and its indexes, without comments and layout."""
    plain = " ".join(re.sub(r"--.*", "", text).split())
    return re.findall(r"CREATE (?:TABLE|INDEX) [^;]+;", plain)


def test_the_warehouse_makes_the_table_that_the_library_makes() -> None:
    assert made(SQL.read_text("utf-8")) == made(migrate._SCHEMA)
    assert len(made(migrate._SCHEMA)) == 4
