-- BM25 over sections. A page is worth its best section, and half of what its others add, which counts
-- no more than the best one twice.
-- $1 groups, $2 terms, $3 their weights, $4 the part of the query each stands for (numbers as text:
-- the driver must not need the catalogue for array types, set_config is revoked), $5 collection,
-- $6 updated within days, $7 limit, $8 terms as tsquery
--
-- The rarer words of a question find sections, its commonest only order the two hundred best pages:
-- a section that holds nothing else is no answer, and a question that is read through all postings of
-- a common word is slow.
--
-- Frequencies, the number of sections and their mean length are taken over what the reader may see:
-- a hidden page cannot move a score. Gains are whole numbers, so that their sum is the same in every
-- order: the order is the plan's, and the plan knows of all rows, hidden ones too. k1 = 1.2 and
-- b = 0.75 are BM25's usual constants.
WITH visible AS MATERIALIZED (
    SELECT id, sections, words FROM docs.audience WHERE groups && $1::text[]
), every AS MATERIALIZED (
    SELECT greatest(sum(sections), 1)::float8 AS sections,
           greatest(sum(words) / greatest(sum(sections), 1), 1)::float8 AS mean_words
    FROM visible
), asked AS MATERIALIZED (
    -- words that nobody wrote say nothing about any page
    SELECT held.term, held.part, held.sections, every.mean_words,
           2.2e6 * held.weight * idf AS gain, round(1e6 * idf) AS worth
    FROM (
        SELECT a.term COLLATE "C" AS term, a.weight, a.part, sum(word.sections)::float8 AS sections
        FROM unnest($2::text[], $3::text[]::float8[], $4::text[]::int4[]) AS a (term, weight, part)
        JOIN docs.word
          ON word.term = a.term COLLATE "C" AND word.audience_id = ANY (ARRAY(SELECT id FROM visible))
        GROUP BY 1, 2, 3
    ) AS held
    CROSS JOIN every
    CROSS JOIN LATERAL (
        SELECT ln(1 + (every.sections - held.sections + 0.5) / (held.sections + 0.5)) AS idf
    ) AS rare
), part AS MATERIALIZED (
    -- the commonest words that are worth less than a quarter of the question together; and whatever
    -- would make it read more than 15,000 postings, but never the rarest
    SELECT part, sum(worth) OVER (ORDER BY worth, part) < 0.25 * sum(worth) OVER ()
                 OR (sum(sections) OVER (ORDER BY worth DESC, part DESC) > 15000
                     AND row_number() OVER (ORDER BY worth DESC, part DESC) > 1) AS common
    FROM (SELECT part, max(worth) AS worth, sum(sections) AS sections FROM asked GROUP BY part) AS each
), found AS MATERIALIZED (
    SELECT p.page_id, p.section_id, p.audience_id,
           sum(round(asked.gain * p.weight
               / (p.weight + 1.2 * (0.25 + 0.75 * p.section_words / asked.mean_words)))) AS score
    FROM asked
    JOIN part ON part.part = asked.part AND NOT part.common
    JOIN docs.posting p
      ON p.term = asked.term AND p.audience_id = ANY (ARRAY(SELECT id FROM visible))
    GROUP BY p.page_id, p.section_id, p.audience_id
), page_found AS MATERIALIZED (
    SELECT page_id, max(score) + least(2 * max(score), sum(score) - max(score)) / 2 AS score
    FROM found
    WHERE ($5::text IS NULL AND $6::int4 IS NULL) OR page_id IN (
        SELECT page.id FROM docs.page
        WHERE page.audience_id = ANY (ARRAY(SELECT id FROM visible))
          AND ($5::text IS NULL OR page.collection = $5)
          AND ($6::int4 IS NULL OR page.updated >= current_date - $6)
    )
    GROUP BY page_id
), scored AS (
    SELECT found.page_id, found.section_id, found.score + coalesce(common.score, 0) AS score
    FROM (SELECT page_id FROM page_found ORDER BY score DESC, page_id LIMIT 200) AS best
    JOIN found USING (page_id)
    LEFT JOIN LATERAL (
        SELECT sum(round(asked.gain * p.weight
                   / (p.weight + 1.2 * (0.25 + 0.75 * p.section_words / asked.mean_words)))) AS score
        FROM asked
        JOIN part ON part.part = asked.part AND part.common
        JOIN docs.posting p
          ON p.term = asked.term AND p.audience_id = found.audience_id
         AND p.section_id = found.section_id
    ) AS common ON true
), shown AS (
    SELECT page_id, max(score) + least(2 * max(score), sum(score) - max(score)) / 2 AS score
    FROM scored GROUP BY page_id
    ORDER BY score DESC, page_id LIMIT $7
)
SELECT page.doc_id, page.title, page.owner, page.updated, page.review_by, current_date AS today,
       array_to_string(section.headings, ' > ') AS section,
       (SELECT count(*) FROM (SELECT FROM page_found LIMIT 100) AS capped) AS total,
       ts_headline(
           'english',
           substr(page.body, section.starts + 1, section.stops - section.starts),
           $8::text::tsquery,
           E'StartSel=\x01, StopSel=\x02, MaxFragments=2, MinWords=12, MaxWords=40, FragmentDelimiter=" … "'
       ) AS snippet
FROM shown
CROSS JOIN LATERAL (
    SELECT section_id FROM scored WHERE scored.page_id = shown.page_id
    ORDER BY scored.score DESC, section_id LIMIT 1
) AS best
JOIN docs.page ON page.id = shown.page_id AND page.audience_id = ANY (ARRAY(SELECT id FROM visible))
JOIN docs.section ON section.id = best.section_id
ORDER BY shown.score DESC, shown.page_id
