"""Databases with a layer taken away: as PostgreSQL gives them, and open to everything.

For measuring what the other layers do alone. Nothing like them may exist outside these tests.
"""

import dataclasses

from postgres.loaded import PASSWORD, Loaded, copy, session

from mcp_local.postgres import Postgres

PLAIN, WIDE = "warehouse_plain", "warehouse_wide"

# what a new database lets everyone do, read from one that nobody hardened
FUNCTIONS = (
    "SELECT oid FROM pg_proc WHERE oid < 16384 AND has_function_privilege('public', oid, 'EXECUTE')"
)
RELATIONS = "SELECT oid FROM pg_class WHERE oid < 16384 AND relkind IN ('r', 'v') AND has_table_privilege('public', oid, 'SELECT')"

AS_NEW = """
DO $$
DECLARE one oid;
BEGIN
    FOREACH one IN ARRAY ARRAY[{functions}]::oid[] LOOP
        IF NOT has_function_privilege('public', one, 'EXECUTE') THEN
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO PUBLIC', one::regprocedure);
        END IF;
    END LOOP;
    FOREACH one IN ARRAY ARRAY[{relations}]::oid[] LOOP
        IF NOT has_table_privilege('public', one, 'SELECT') THEN
            EXECUTE format('GRANT SELECT ON %s TO PUBLIC', one::regclass);
        END IF;
    END LOOP;
END $$;
GRANT USAGE ON SCHEMA public, information_schema TO PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql, sql TO PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {name} TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA sales TO PUBLIC;
"""

EVERYTHING = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wh_wide') THEN
        CREATE ROLE wh_wide;
    END IF;
END $$;
ALTER ROLE wh_wide LOGIN INHERIT PASSWORD 'wide';
GRANT wh_owner, pg_read_all_data, pg_monitor, pg_read_server_files, pg_write_server_files,
    pg_execute_server_program, pg_signal_backend TO wh_wide;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pg_catalog TO wh_wide;
GRANT CREATE ON DATABASE warehouse_wide TO wh_wide;
ALTER POLICY by_region ON sales.accounts TO wh_ro, wh_wide;
ALTER POLICY by_region ON sales.orders TO wh_ro, wh_wide;
ALTER POLICY by_region ON sales.order_lines TO wh_ro, wh_wide;
ALTER POLICY with_any_region ON sales.suppliers TO wh_ro, wh_wide;
ALTER POLICY with_any_region ON sales.products TO wh_ro, wh_wide;
"""


async def plain(server: Postgres, target: Loaded) -> Loaded:
    """The reader's role and row security, and all that PostgreSQL gives to everyone."""
    await _copy(server, target, PLAIN)
    return dataclasses.replace(
        target, admin_url=server.url(PLAIN), ro_url=server.url(PLAIN, "wh_ro", PASSWORD)
    )


async def wide(server: Postgres, target: Loaded) -> Loaded:
    """A login that owns the data and may read files and run programs; rows by the setting alone."""
    await _copy(server, target, WIDE)
    async with session(server.url(WIDE)) as admin:
        await admin.execute(EVERYTHING)
    return dataclasses.replace(
        target, admin_url=server.url(WIDE), ro_url=server.url(WIDE, "wh_wide", "wide")
    )


async def _copy(server: Postgres, target: Loaded, name: str) -> None:
    async with session(server.url()) as admin:
        functions = [row["oid"] for row in await admin.fetch(FUNCTIONS)]
        relations = [row["oid"] for row in await admin.fetch(RELATIONS)]
    await copy(server, target.admin_url.rpartition("/")[2], name)
    async with session(server.url(name)) as admin:
        await admin.execute(
            AS_NEW.format(
                name=name,
                functions=", ".join(map(str, functions)),
                relations=", ".join(map(str, relations)),
            )
        )
