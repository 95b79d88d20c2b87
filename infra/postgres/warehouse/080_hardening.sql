-- What PostgreSQL gives to everyone and this database does not. Valid for this database alone:
-- other rooms have their own.
--
-- The rule is general so that an upgrade cannot add to it unseen: every volatile function (these
-- write, lock, sleep, notify, read files or change settings) and every function that looks into the
-- server's state is closed; sums, dates and texts stay.
DO $$
DECLARE
    routine regprocedure;
    relation regclass;
BEGIN
    FOR routine IN
        SELECT oid::regprocedure
        FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
            AND prokind = 'f'
            AND (
                (provolatile = 'v' AND proname <> 'random')
                OR proname ~ '^(pg_|txid_|inet_|has_|lo_|binary_upgrade_|ts_stat|fmgr_)'
                OR proname ~ '_to_xml'
                -- one call makes a gigabyte
                OR proname IN ('repeat', 'lpad', 'rpad')
                -- they tell of the server, and no sum needs them
                OR proname IN ('version', 'shobj_description', 'row_security_active')
            )
            AND proname <> 'pg_typeof'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', routine);
    END LOOP;

    FOR relation IN
        SELECT oid::regclass
        FROM pg_class
        WHERE relnamespace = 'pg_catalog'::regnamespace
            AND relkind IN ('r', 'v')
            AND (
                relname ~ '^pg_(stat|settings|file_settings|hba|ident|locks|cursors|prepared|replication)'
                OR relname IN (
                    'pg_roles', 'pg_user', 'pg_group', 'pg_auth_members', 'pg_database',
                    'pg_db_role_setting', 'pg_user_mapping', 'pg_user_mappings',
                    'pg_foreign_server', 'pg_policies', 'pg_policy', 'pg_tablespace',
                    'pg_largeobject_metadata', 'pg_shmem_allocations', 'pg_config',
                    'pg_available_extensions', 'pg_available_extension_versions'
                )
            )
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC', relation);
    END LOOP;

    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO wh_ro', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA information_schema FROM PUBLIC;
-- a DO block would bring its own SET, loops and messages
REVOKE ALL ON LANGUAGE plpgsql, sql FROM PUBLIC;
-- a function that somebody adds later is nobody's to call until it is granted
ALTER DEFAULT PRIVILEGES FOR ROLE wh_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
