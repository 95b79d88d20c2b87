-- Names are found by their parts, slips in a vocabulary that has each word once, and what a common
-- word is about by where it stands out.
SET LOCAL ROLE docs_owner;

-- Stems of a text. PostgreSQL takes `sales.orders`, `docs://policies/gifts`, `ana@larkfield.example`
-- for one word each: their parts are words too, for pages and for questions alike.
CREATE FUNCTION docs.stems(said text)
RETURNS TABLE (term text, times integer, place integer)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT whole.lexeme, cardinality(whole.positions), whole.positions[1]::integer
    FROM unnest(to_tsvector('pg_catalog.english', said)) AS whole
    UNION ALL
    SELECT part.lexeme, cardinality(whole.positions) * cardinality(part.positions), whole.positions[1]::integer
    FROM unnest(to_tsvector('pg_catalog.english', said)) AS whole
    CROSS JOIN unnest(to_tsvector('pg_catalog.english', translate(whole.lexeme, './@_', '    '))) AS part
    WHERE whole.lexeme ~ '[./@]' AND whole.lexeme ~ '[[:alpha:]]' AND part.lexeme <> whole.lexeme;
END;

-- Each word once, whoever wrote it, by its first letter and its length: a slip is looked for among
-- some hundreds. Numbers and codes are not here, because one is never taken for another. A row is seen
-- by who may see a page that has the word.
CREATE TABLE docs.term (
    term text COLLATE "C" PRIMARY KEY,
    initial text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(term, 1)) STORED,
    size integer NOT NULL GENERATED ALWAYS AS (length(term)) STORED
);
CREATE INDEX ON docs.term (initial, size) INCLUDE (term);
INSERT INTO docs.term (term) SELECT DISTINCT term FROM docs.word WHERE term !~ '[0-9]';
ALTER TABLE docs.term ENABLE ROW LEVEL SECURITY;
-- a scalar, not EXISTS: that the planner may turn into reading all words first
CREATE POLICY readers ON docs.term FOR SELECT TO docs_ro
USING ((SELECT true FROM docs.word WHERE word.term = term.term LIMIT 1));
GRANT SELECT ON docs.term TO docs_ro;
GRANT EXECUTE ON FUNCTION docs.stems(text) TO docs_ro;

-- A word stands out where it is in a title or a heading, or in the text three times.
CREATE INDEX posting_outstanding ON docs.posting (term, audience_id, section_id)
    INCLUDE (page_id, weight, section_words) WHERE weight >= 3;
ALTER TABLE docs.word ADD COLUMN outstanding bigint NOT NULL DEFAULT 0;
UPDATE docs.word w SET outstanding = p.sections
FROM (
    SELECT term, audience_id, count(*) AS sections FROM docs.posting WHERE weight >= 3 GROUP BY 1, 2
) AS p
WHERE p.term = w.term AND p.audience_id = w.audience_id;
