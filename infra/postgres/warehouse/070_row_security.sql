-- A row is visible to a transaction that carries its region in `app.regions`, a comma-separated
-- list, or the word `all`. Without the setting there are no rows.
--
-- The sub-select makes the list a constant of the query: computed once, not for each row.

DO $$
DECLARE
    guarded text;
    listed constant text := $q$string_to_array(current_setting('app.regions', true), ',')$q$;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['accounts', 'orders', 'order_lines'] LOOP
        EXECUTE format('ALTER TABLE sales.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_region ON sales.%I FOR SELECT TO wh_ro USING ('
            '(SELECT ''all'' = ANY (%s)) OR region = ANY ((SELECT %s)::text[]))',
            guarded, listed, listed
        );
    END LOOP;
    -- no region of their own: everyone buys from every supplier
    FOREACH guarded IN ARRAY ARRAY['suppliers', 'products'] LOOP
        EXECUTE format('ALTER TABLE sales.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY with_any_region ON sales.%I FOR SELECT TO wh_ro '
            'USING ((SELECT current_setting(''app.regions'', true) <> ''''))',
            guarded
        );
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA sales TO wh_ro;
GRANT SELECT ON ALL TABLES IN SCHEMA sales TO wh_ro;
