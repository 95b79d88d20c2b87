-- Two roles: wh_owner owns everything and cannot log in; wh_ro reads `sales` and nothing else.
-- The password of wh_ro is set by the loader, never here.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wh_owner') THEN
        CREATE ROLE wh_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wh_ro') THEN
        CREATE ROLE wh_ro LOGIN;
    END IF;
END
$$;

ALTER ROLE wh_owner NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT;
ALTER ROLE wh_ro LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
    CONNECTION LIMIT 100;  -- four replicas of 24

-- Starting values of a session. wh_ro may change some of them for itself, which is why the server
-- sets them again for each transaction and keeps a deadline of its own.
ALTER ROLE wh_ro SET default_transaction_read_only = on;
ALTER ROLE wh_ro SET statement_timeout = '5s';
ALTER ROLE wh_ro SET transaction_timeout = '15s';
ALTER ROLE wh_ro SET lock_timeout = '200ms';
ALTER ROLE wh_ro SET idle_in_transaction_session_timeout = '10s';
-- notices a client that went away in the middle of a long query
ALTER ROLE wh_ro SET client_connection_check_interval = '1s';
ALTER ROLE wh_ro SET search_path = pg_catalog, sales;
ALTER ROLE wh_ro SET work_mem = '32MB';
-- only a superuser may change this one: a sort or hash on disk ends here
ALTER ROLE wh_ro SET temp_file_limit = '256MB';
-- nor these: a statement that fails is a person's question, and its error quotes the data; neither
-- belongs into a log that others read
ALTER ROLE wh_ro SET log_min_error_statement = 'panic';
ALTER ROLE wh_ro SET log_min_messages = 'fatal';
ALTER ROLE wh_ro SET max_parallel_workers_per_gather = 0;
-- asyncpg switches jit off through set_config when it is on, and set_config is revoked
ALTER ROLE wh_ro SET jit = off;
