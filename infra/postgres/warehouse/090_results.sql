-- What the server keeps for people: results too large for an answer, for an hour. A login of its own
-- writes here and reads nothing else; wh_ro has no right here. Any PostgreSQL can hold this instead:
-- WAREHOUSE_RESULTS_URL says which. The password is set by the loader.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wh_results') THEN
        CREATE ROLE wh_results LOGIN;
    END IF;
END
$$;

ALTER ROLE wh_results LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
    CONNECTION LIMIT 40;  -- four replicas of 8: results, and tasks
ALTER ROLE wh_results SET statement_timeout = '5s';
ALTER ROLE wh_results SET search_path = pg_catalog;
-- asyncpg switches jit off through set_config when it is on, and set_config is revoked
ALTER ROLE wh_results SET jit = off;

CREATE SCHEMA IF NOT EXISTS results AUTHORIZATION wh_owner;
SET LOCAL ROLE wh_owner;

-- one row is one file; `digest` is of the id in its address, which is stored nowhere
CREATE TABLE IF NOT EXISTS results.part (
    digest bytea NOT NULL,
    format text NOT NULL CHECK (format IN ('csv', 'parquet')),
    number integer NOT NULL,
    owner text NOT NULL,
    regions text[] NOT NULL,
    expires_at timestamptz NOT NULL,
    content bytea NOT NULL CHECK (octet_length(content) <= 4000000),
    PRIMARY KEY (digest, format, number)
);
-- compressed already, or read once
ALTER TABLE results.part ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS part_owner ON results.part (owner);
CREATE INDEX IF NOT EXISTS part_expiry ON results.part (expires_at);

GRANT USAGE ON SCHEMA results TO wh_results;
GRANT SELECT, INSERT, DELETE ON results.part TO wh_results;
RESET ROLE;
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO wh_results', current_database());
END
$$;
