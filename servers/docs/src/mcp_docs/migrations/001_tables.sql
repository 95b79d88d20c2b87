-- Pages, their sections, and the postings they are ranked by.
--
-- An audience is a set of groups that may read. Pages, sections and postings carry its number, so
-- that "what may this person see" is a handful of numbers in every index, and the totals BM25 needs
-- can be summed over exactly what the reader may see: a hidden page changes no score.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
CREATE EXTENSION IF NOT EXISTS fuzzystrmatch WITH SCHEMA public;
CREATE SCHEMA docs AUTHORIZATION docs_owner;
SET LOCAL ROLE docs_owner;

CREATE TABLE docs.audience (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    groups text[] NOT NULL UNIQUE CHECK (cardinality(groups) > 0),
    sections bigint NOT NULL DEFAULT 0,
    words bigint NOT NULL DEFAULT 0
);

CREATE TABLE docs.page (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    doc_id text COLLATE "C" NOT NULL UNIQUE CHECK (doc_id LIKE '%_/_%'),
    collection text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL REFERENCES docs.audience,
    title text NOT NULL,
    owner text NOT NULL,
    classification text NOT NULL CHECK (classification IN ('public', 'internal', 'confidential')),
    updated date NOT NULL,
    review_by date,
    source text NOT NULL,
    digest bytea NOT NULL,
    body text NOT NULL
);
CREATE INDEX ON docs.page (collection, doc_id);

CREATE TABLE docs.section (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    page_id bigint NOT NULL REFERENCES docs.page ON DELETE CASCADE,
    audience_id integer NOT NULL REFERENCES docs.audience,
    position integer NOT NULL,
    headings text[] NOT NULL,
    -- characters of page.body
    starts integer NOT NULL,
    stops integer NOT NULL CHECK (stops > starts),
    UNIQUE (page_id, position)
);

-- One row per word stem and section; `weight` counts it, twice where it stands in title or heading.
CREATE TABLE docs.posting (
    term text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    section_id bigint NOT NULL REFERENCES docs.section ON DELETE CASCADE,
    weight real NOT NULL,
    -- of the whole section: ranking reads nothing but postings
    section_words real NOT NULL,
    PRIMARY KEY (term, audience_id, section_id)
);
CREATE INDEX ON docs.posting (section_id);

CREATE TABLE docs.word (
    term text COLLATE "C" NOT NULL,
    audience_id integer NOT NULL,
    sections bigint NOT NULL,
    PRIMARY KEY (term, audience_id)
);
