-- What a reader who could smuggle SQL into a SELECT would reach for.
-- set_config would change `app.groups`; query_to_xml and its kin run a statement inside a statement.
DO $$
DECLARE
    reached regprocedure;
BEGIN
    FOR reached IN
        SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
          AND p.proname = ANY (ARRAY[
              'set_config', 'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema',
              'cursor_to_xml', 'cursor_to_xmlschema', 'lo_import', 'lo_export'
          ])
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', reached);
    END LOOP;
    -- the loader acts as the owner, and its driver calls this when it meets a new array type
    GRANT EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) TO docs_owner;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO docs_ro', current_database());
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET default_transaction_read_only = on', current_database());
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET statement_timeout = ''5s''', current_database());
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET idle_in_transaction_session_timeout = ''10s''', current_database());
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET jit = off', current_database());
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET search_path = pg_catalog, public', current_database());
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
