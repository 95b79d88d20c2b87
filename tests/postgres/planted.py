"""The warehouse with traps in it: what an attack might call, read, change or leave behind is there.

Rows that the attacker may not see say so in a word of their own, so that one of them in an answer is
found whatever else the answer holds. The attacker is a person of EUROPE.
"""

import dataclasses

import asyncpg
from postgres.loaded import PASSWORD, Loaded, copy, session, set_aside

from mcp_local.postgres import Postgres

NAME = "warehouse_planted"
MINE = "EUROPE"
FOREIGN = "zq7foreign"
_planted: dict[int, Loaded] = {}

TRAPS = f"""
CREATE SCHEMA hr AUTHORIZATION wh_owner;
SET LOCAL ROLE wh_owner;
CREATE TABLE hr.salary AS SELECT '{FOREIGN}' AS who, 1 AS amount;
CREATE TABLE sales.scratch AS SELECT 1 AS a;
CREATE SEQUENCE sales.ticket;
RESET ROLE;
CREATE FUNCTION sales.purge() RETURNS bigint LANGUAGE sql SECURITY DEFINER
    AS 'DELETE FROM sales.scratch; SELECT 1::bigint';
CREATE FUNCTION sales.leak(numeric) RETURNS boolean LANGUAGE plpgsql COST 0.0001
    AS $$ BEGIN RAISE NOTICE '%', $1; RETURN true; END $$;
CREATE FUNCTION sales.shout(text, integer) RETURNS boolean LANGUAGE sql SECURITY DEFINER
    AS 'INSERT INTO sales.scratch VALUES ($2); SELECT true';
CREATE OPERATOR sales.!!! (LEFTARG = text, RIGHTARG = integer, FUNCTION = sales.shout);
CREATE FUNCTION sales.counting(numeric, numeric) RETURNS numeric LANGUAGE sql SECURITY DEFINER
    AS 'INSERT INTO sales.scratch VALUES (2); SELECT $2';
CREATE AGGREGATE sales.counting_sum(numeric) (SFUNC = sales.counting, STYPE = numeric, INITCOND = 0);
CREATE TYPE sales.loud AS (a integer);
CREATE FUNCTION sales.louder(integer) RETURNS sales.loud LANGUAGE sql SECURITY DEFINER
    AS 'INSERT INTO sales.scratch VALUES (3); SELECT ROW($1)::sales.loud';
CREATE CAST (integer AS sales.loud) WITH FUNCTION sales.louder(integer);
ALTER TABLE sales.accounts NO FORCE ROW LEVEL SECURITY;
ALTER TABLE sales.orders NO FORCE ROW LEVEL SECURITY;
ALTER TABLE sales.order_lines NO FORCE ROW LEVEL SECURITY;
UPDATE sales.accounts SET nation = '{FOREIGN}' WHERE region <> '{MINE}';
UPDATE sales.orders SET nation = '{FOREIGN}' WHERE region <> '{MINE}';
UPDATE sales.order_lines SET nation = '{FOREIGN}' WHERE region <> '{MINE}';
ALTER TABLE sales.accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE sales.orders FORCE ROW LEVEL SECURITY;
ALTER TABLE sales.order_lines FORCE ROW LEVEL SECURITY;
UPDATE tpch.customer SET c_name = '{FOREIGN}';
-- with the rights of an administrator: what a session holds, told to whoever runs the tests
CREATE SCHEMA watch;
CREATE FUNCTION watch.session() RETURNS text[] LANGUAGE sql SECURITY DEFINER AS $$
    SELECT array_agg(one ORDER BY one) FROM (
        SELECT 'listens ' || pg_listening_channels()
        UNION ALL SELECT 'prepared ' || name FROM pg_prepared_statements
        UNION ALL SELECT 'cursor ' || name FROM pg_cursors WHERE is_holdable
        UNION ALL SELECT 'temporary ' || relname FROM pg_class WHERE relpersistence = 't'
        UNION ALL SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()
        UNION ALL SELECT name || '=' || setting FROM pg_settings WHERE source = 'session'
    ) AS held (one) $$;
REVOKE ALL ON FUNCTION watch.session() FROM PUBLIC;
GRANT USAGE ON SCHEMA watch TO wh_ro;
GRANT EXECUTE ON FUNCTION watch.session() TO wh_ro;
"""
# a copy of a database is open to everyone again
CLOSED = f"REVOKE ALL ON DATABASE {NAME} FROM PUBLIC; GRANT CONNECT ON DATABASE {NAME} TO wh_ro"

STATE = """
SELECT
    (SELECT sum(hashtext(t::text)) FROM sales.orders t),
    (SELECT sum(hashtext(t::text)) FROM sales.accounts t),
    (SELECT (count(*), sum(revenue), sum(quantity)) FROM sales.order_lines)::text,
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM sales.regions t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM sales.as_of t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM sales.scratch t),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM hr.salary t),
    (SELECT (last_value, is_called) FROM sales.ticket)::text,
    (SELECT count(*) FROM pg_largeobject_metadata), (SELECT count(*) FROM pg_largeobject),
    (SELECT sum(hashtext(relname || coalesce(relacl::text, '') || relrowsecurity)) FROM pg_class
        WHERE relpersistence = 'p'),
    (SELECT sum(hashtext(proname || coalesce(proacl::text, ''))) FROM pg_proc),
    (SELECT count(*) FROM pg_type WHERE typtype <> 'c'), (SELECT count(*) FROM pg_extension),
    (SELECT string_agg(nspname || nspacl::text, ',' ORDER BY nspname) FROM pg_namespace
        WHERE nspname NOT LIKE 'pg_t%'),
    (SELECT string_agg(t::text, ',' ORDER BY t::text) FROM pg_db_role_setting t),
    (SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles),
    (SELECT count(*) FROM pg_prepared_xacts),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
    (SELECT sum(hashtext(name || setting)) FROM pg_settings WHERE source <> 'session')
"""


# whatever writes takes a transaction id; what needs none is asked for beside it
CHEAP = """
SELECT pg_snapshot_xmax(pg_current_snapshot())::text,
    (SELECT (last_value, is_called) FROM sales.ticket)::text,
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'),
    (SELECT sum(hashtext(name || setting)) FROM pg_settings WHERE source <> 'session')
"""


@dataclasses.dataclass(frozen=True)
class State:
    """Everything an attack might have changed: tables, sequences, large objects, rights, settings."""

    full: tuple[object, ...]
    cheap: tuple[object, ...] = dataclasses.field(compare=False)


_last: dict[tuple[int, str], State] = {}


async def state(admin: asyncpg.Connection) -> State:
    """As it is now; read whole only when anybody has written since it was last read."""
    name = await admin.fetchval("SELECT current_database()")
    port = await admin.fetchval("SELECT inet_server_port()")
    cheap = tuple(await admin.fetchrow(CHEAP) or ())
    last = _last.get((port, name))
    if last is None or last.cheap != cheap:
        last = _last[port, name] = State(tuple(await admin.fetchrow(STATE) or ()), cheap)
    return last


async def held(reader: asyncpg.Connection) -> list[str]:
    """What this session would hand on to its next caller."""
    return await reader.fetchval("SELECT watch.session()") or []


async def planted(server: Postgres, warehouse: Loaded) -> Loaded:
    """A copy of the loaded warehouse with the traps, made once for a server."""
    if server.port not in _planted:
        await copy(server, warehouse.admin_url.rpartition("/")[2], NAME)
        async with session(server.url(NAME)) as admin:
            await admin.execute(CLOSED)
            async with admin.transaction():
                await admin.execute(TRAPS)
            await admin.execute("VACUUM ANALYZE")
        await set_aside(server, NAME)
        _planted[server.port] = dataclasses.replace(
            warehouse, admin_url=server.url(NAME), ro_url=server.url(NAME, "wh_ro", PASSWORD)
        )
    return _planted[server.port]
