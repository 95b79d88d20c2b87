-- BM25 over sections; a page counts its best section whole, the next one half, and so on.
-- $1 groups, $2 terms, $3 their weights, $4 the part of the query each stands for (numbers as text:
-- the driver must not need the catalogue for array types, set_config is revoked), $5 collection,
-- $6 updated within days, $7 limit, $8 terms as tsquery
--
-- Frequencies, the number of sections and their mean length are taken over what the reader may see:
-- a hidden page cannot move a score. Gains are whole millionths, so that a sum is the same in every
-- order of its terms: the order is the plan's, and the plan knows of all rows, hidden ones too.
-- k1 = 1.2 and b = 0.75 are BM25's usual constants.
WITH visible AS MATERIALIZED (
    SELECT id, sections, words FROM docs.audience WHERE groups && $1::text[]
), every AS MATERIALIZED (
    SELECT greatest(sum(sections), 1)::float8 AS sections,
           greatest(sum(words) / greatest(sum(sections), 1), 1)::float8 AS mean_words
    FROM visible
), asked AS MATERIALIZED (
    -- words that nobody wrote say nothing about any page
    SELECT held.term, held.part, 2.2e6 * held.weight * idf AS gain, (1e6 * idf)::int8 AS worth
    FROM (
        SELECT a.term COLLATE "C" AS term, a.weight, a.part, sum(word.sections)::float8 AS sections
        FROM unnest($2::text[], $3::text[]::float8[], $4::text[]::int4[]) AS a (term, weight, part)
        JOIN docs.word ON word.term = a.term COLLATE "C" AND word.audience_id = ANY (ARRAY(SELECT id FROM visible))
        GROUP BY 1, 2, 3
    ) AS held
    CROSS JOIN every
    CROSS JOIN LATERAL (
        SELECT ln(1 + (every.sections - held.sections + 0.5) / (held.sections + 0.5)) AS idf
    ) AS rare
), part AS MATERIALIZED (
    SELECT part, max(worth) AS worth FROM asked GROUP BY part
), scored AS (
    SELECT p.page_id, p.section_id,
           sum((asked.gain * p.weight
                / (p.weight + 1.2 * (0.25 + 0.75 * p.section_words / every.mean_words)))::int4) AS score,
           bit_or(1::int8 << asked.part) AS parts
    FROM asked
    JOIN docs.posting p
      ON p.term = asked.term AND p.audience_id = ANY (ARRAY(SELECT id FROM visible))
    CROSS JOIN every
    GROUP BY p.page_id, p.section_id
), enough AS (
    -- a section that holds only the common words of a question is no answer to it
    SELECT held.parts
    FROM (SELECT DISTINCT parts FROM scored) AS held
    JOIN part ON held.parts & (1::int8 << part.part) <> 0
    GROUP BY held.parts
    HAVING sum(part.worth) >= 0.2 * (SELECT sum(worth) FROM part)
), matching AS (
    SELECT page_id, section_id, score,
           row_number() OVER (PARTITION BY page_id ORDER BY score DESC, section_id) AS place
    FROM scored JOIN enough USING (parts)
), page_score AS (
    SELECT page_id, sum(score >> least(place - 1, 62)::int4) AS score,
           min(section_id) FILTER (WHERE place = 1) AS section_id
    FROM matching GROUP BY page_id
), best AS (
    SELECT page.id, page.doc_id, page_score.section_id, page_score.score
    FROM page_score
    JOIN docs.page ON page.id = page_score.page_id
    WHERE page.audience_id = ANY (ARRAY(SELECT id FROM visible))
      AND ($5::text IS NULL OR page.collection = $5)
      AND ($6::int4 IS NULL OR page.updated >= current_date - $6)
), counted AS (
    SELECT count(*) AS total FROM (SELECT FROM best LIMIT 100) AS capped
), shown AS (
    SELECT * FROM best ORDER BY score DESC, doc_id LIMIT $7
)
SELECT page.doc_id, page.title, page.owner, page.updated, page.review_by,
       current_date AS today, array_to_string(section.headings, ' > ') AS section, counted.total,
       ts_headline(
           'english',
           substr(page.body, section.starts + 1, section.stops - section.starts),
           $8::text::tsquery,
           E'StartSel=\x01, StopSel=\x02, MaxFragments=2, MinWords=12, MaxWords=40, FragmentDelimiter=" … "'
       ) AS snippet
FROM shown
JOIN docs.page ON page.id = shown.id
JOIN docs.section ON section.id = shown.section_id
CROSS JOIN counted
ORDER BY shown.score DESC, shown.doc_id
