-- What a hundred thousand sections need: postings that carry their page, so that ranking reads one
-- index and nothing else, and that go with their page.
SET LOCAL ROLE docs_owner;

CREATE TABLE docs.posting_of_page (
    term text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    page_id bigint NOT NULL,
    section_id bigint NOT NULL,
    weight real NOT NULL,
    section_words real NOT NULL
);
INSERT INTO docs.posting_of_page
SELECT p.term, p.audience_id, s.page_id, p.section_id, p.weight, p.section_words
FROM docs.posting p JOIN docs.section s ON s.id = p.section_id;
DROP TABLE docs.posting;
ALTER TABLE docs.posting_of_page RENAME TO posting;
ALTER TABLE docs.posting
    ADD PRIMARY KEY (term, audience_id, section_id) INCLUDE (page_id, weight, section_words),
    ADD FOREIGN KEY (page_id) REFERENCES docs.page ON DELETE CASCADE;
CREATE INDEX ON docs.posting (page_id);
ALTER TABLE docs.posting ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON docs.posting TO docs_ro;

-- The second lock as a set to look into: as an array it is sorted anew for every look at an index.
-- The index is the statement's own condition's.
DROP POLICY readers ON docs.page;
DROP POLICY readers ON docs.section;
DROP POLICY readers ON docs.word;
DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['page', 'section', 'posting', 'word'] LOOP
        EXECUTE format(
            'CREATE POLICY readers ON docs.%I FOR SELECT TO docs_ro '
            'USING (audience_id IN (SELECT id FROM docs.audience))',
            guarded
        );
    END LOOP;
END
$$;

-- A plan made for any groups and any words fits none of them. What belongs together is found by
-- hashing: the planner takes a hundred thousand rows for one, and would sort them.
RESET ROLE;
DO $$
BEGIN
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET plan_cache_mode = force_custom_plan', current_database());
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET enable_sort = off', current_database());
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET work_mem = ''32MB''', current_database());
END
$$;
