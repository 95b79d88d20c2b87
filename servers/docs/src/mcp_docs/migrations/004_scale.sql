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
CREATE POLICY readers ON docs.posting FOR SELECT TO docs_ro
USING (audience_id = ANY (ARRAY(SELECT id FROM docs.audience)));
GRANT SELECT ON docs.posting TO docs_ro;

-- A plan made for any groups and any words fits none of them.
RESET ROLE;
DO $$
BEGIN
    EXECUTE format('ALTER ROLE docs_ro IN DATABASE %I SET plan_cache_mode = force_custom_plan', current_database());
END
$$;
