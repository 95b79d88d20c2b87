-- BM25 over sections, the best section of each page, the best pages.
-- $1 groups, $2 terms, $3 their weights, $4 the part of the query each stands for (numbers as text:
-- the driver must not need the catalogue for array types, set_config is revoked), $5 collection,
-- $6 updated within days, $7 limit, $8 terms as tsquery
--
-- Frequencies, the number of sections and their mean length are taken over what the reader may see:
-- a hidden page cannot move a score. k1 = 1.2 and b = 0.75 are BM25's usual constants.
WITH visible AS MATERIALIZED (
    SELECT id, sections, words FROM docs.audience WHERE groups && $1::text[]
), every AS (
    SELECT greatest(sum(sections), 1)::float8 AS sections,
           greatest(sum(words) / greatest(sum(sections), 1), 1)::float8 AS mean_words
    FROM visible
), asked AS (
    SELECT a.term COLLATE "C" AS term, a.weight, a.part,
           ln(1 + (every.sections - held.sections + 0.5) / (held.sections + 0.5)) AS idf
    FROM unnest($2::text[], $3::text[]::float8[], $4::text[]::int4[]) AS a (term, weight, part)
    CROSS JOIN every
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(word.sections), 0)::float8 AS sections
        FROM docs.word
        WHERE word.term = a.term AND word.audience_id = ANY (ARRAY(SELECT id FROM visible))
    ) AS held
), scored AS (
    SELECT p.section_id,
           sum(asked.weight * asked.idf * p.weight * 2.2
               / (p.weight + 1.2 * (0.25 + 0.75 * p.section_words / every.mean_words))) AS score,
           array_agg(DISTINCT asked.part) AS parts
    FROM asked
    JOIN docs.posting p
      ON p.term = asked.term AND p.audience_id = ANY (ARRAY(SELECT id FROM visible))
    CROSS JOIN every
    GROUP BY p.section_id
), part AS (
    SELECT part, max(idf) AS idf FROM asked GROUP BY part
), matching AS (
    -- a section that holds only the common words of a question is no answer to it
    SELECT section.page_id, section.id AS section_id, scored.score,
           row_number() OVER (
               PARTITION BY section.page_id ORDER BY scored.score DESC, section.position
           ) AS place
    FROM scored
    JOIN docs.section ON section.id = scored.section_id
    WHERE (SELECT sum(idf) FROM part WHERE part = ANY (scored.parts))
          >= 0.3 * (SELECT sum(idf) FROM part)
), best AS (
    SELECT page.*, matching.section_id, matching.score
    FROM matching
    JOIN docs.page ON page.id = matching.page_id
    WHERE matching.place = 1
      AND page.audience_id = ANY (ARRAY(SELECT id FROM visible))
      AND ($5::text IS NULL OR page.collection = $5)
      AND ($6::int4 IS NULL OR page.updated >= current_date - $6)
), counted AS (
    SELECT count(*) AS total FROM (SELECT FROM best LIMIT 100) AS capped
), shown AS (
    SELECT * FROM best ORDER BY score DESC, doc_id LIMIT $7
)
SELECT shown.doc_id, shown.title, shown.owner, shown.updated, shown.review_by,
       current_date AS today, array_to_string(section.headings, ' > ') AS section, counted.total,
       ts_headline(
           'english',
           substr(shown.body, section.starts + 1, section.stops - section.starts),
           $8::text::tsquery,
           'StartSel=**, StopSel=**, MaxFragments=2, MinWords=12, MaxWords=40, FragmentDelimiter=" … "'
       ) AS snippet
FROM shown
JOIN docs.section ON section.id = shown.section_id
CROSS JOIN counted
ORDER BY shown.score DESC, shown.doc_id
