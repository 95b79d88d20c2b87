"""One DuckDB of its own for each question: a person's regions are attached, nothing else is.

What a statement could change dies with it. Other files cannot be opened, settings cannot be
changed; playbook/decisions/0032 says what of PostgreSQL's defence has no counterpart here.
"""

from pathlib import Path

import duckdb

from mcp_warehouse.rights import Region, Regions, group_of

SHARED = "shared"  # tables of everybody, and what list_tables says of all


class NotOneSelectError(Exception):
    """DuckDB's own parser sees something else than one SELECT."""


def file_of(region: Region) -> str:
    return f"{group_of(region)}.duckdb"


def opened(folder: Path, regions: Regions | None, memory_mb: int) -> duckdb.DuckDBPyConnection:
    """A fresh database that sees `shared.duckdb` and the files of these regions, read-only."""
    room = duckdb.connect(
        ":memory:",
        config={
            "threads": 1,
            "memory_limit": f"{memory_mb}MB",
            "temp_directory": "",  # what needs the disk fails
            "allow_community_extensions": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    try:
        _attach(room, folder / f"{SHARED}.duckdb", SHARED)
        names = regions.names if regions else ()
        for number, region in enumerate(names):
            _attach(room, folder / file_of(region), f"region{number}")
        if names:
            _views(room, len(names))
        room.execute("SET enable_external_access = false")
        room.execute("SET lock_configuration = true")
    except BaseException:
        room.close()
        raise
    return room


def _attach(room: duckdb.DuckDBPyConnection, file: Path, name: str) -> None:
    quoted = str(file).replace("'", "''")
    room.execute(f"ATTACH '{quoted}' AS {name} (READ_ONLY)")


def _views(room: duckdb.DuckDBPyConnection, regions: int) -> None:
    """Schema `sales` as people know it: own tables, the rows of their regions, ready-made sums."""
    room.execute("CREATE SCHEMA sales")
    tables = room.execute(
        "SELECT name, by_region, definition FROM shared.about.tables ORDER BY position"
    ).fetchall()
    for name, by_region, definition in tables:
        if definition is None:
            origins = [f"region{number}" for number in range(regions)] if by_region else [SHARED]
            definition = " UNION ALL ".join(  # noqa: PLW2901  the view's, where it has none
                f'SELECT * FROM {origin}.sales."{name}"'  # noqa: S608  names of the file
                for origin in origins
            )
        room.execute(f'CREATE VIEW sales."{name}" AS {definition}')


def one_select(room: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """What may run at all: DETACH and ATTACH in one text would open a file for writing.

    Raises:
        NotOneSelectError: several statements, or one of another kind.

    """
    statements = room.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise NotOneSelectError
    return statements[0]
