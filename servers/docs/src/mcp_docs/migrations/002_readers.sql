-- Second lock: docs_ro sees only rows of audiences that share a group with `app.groups`, which the
-- server sets with SET LOCAL for one transaction. Unset or empty, nothing is visible.
SET LOCAL ROLE docs_owner;

CREATE FUNCTION docs.reader_groups() RETURNS text[]
LANGUAGE sql STABLE
RETURN string_to_array(current_setting('app.groups', true), ',');

ALTER TABLE docs.audience ENABLE ROW LEVEL SECURITY;
CREATE POLICY readers ON docs.audience FOR SELECT TO docs_ro
USING (groups && (SELECT docs.reader_groups()));

-- The array is computed once per statement, and `= ANY` of it can use an index. The inner select is
-- itself under the policy above.
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['page', 'section', 'posting', 'word'] LOOP
        EXECUTE format('ALTER TABLE docs.%I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY readers ON docs.%I FOR SELECT TO docs_ro '
            'USING (audience_id = ANY (ARRAY(SELECT id FROM docs.audience)))',
            guarded
        );
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA docs TO docs_ro;
GRANT SELECT ON docs.audience, docs.page, docs.section, docs.posting, docs.word TO docs_ro;
GRANT EXECUTE ON FUNCTION docs.reader_groups() TO docs_ro;
