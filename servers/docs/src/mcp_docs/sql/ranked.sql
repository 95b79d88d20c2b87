-- BM25 over sections. A page is worth its best section, and half of what its others add, which counts
-- no more than the best one twice.
-- $1 groups, $2 terms, $3 their weights, $4 the part of the query each stands for (numbers as text:
-- the driver must not need the catalogue for array types, set_config is revoked), $5 collection,
-- $6 updated within days, $7 limit, $8 terms as tsquery, $9 postings to read
--
-- Words find sections from the rarest on: a word of few sections wherever it stands, a commoner one
-- where it stands out, in a title or a heading or three times. Once $9 postings are read, the words
-- that are left only order the hundred best pages, and of these only those that they could lift among
-- the ones to be shown: no word is worth more than its `gain`, so leaving the rest alone changes nothing.
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
    SELECT held.term, held.part, held.sections, held.outstanding, every.mean_words,
           2.2e6 * held.weight * idf AS gain, round(1e6 * idf) AS worth
    FROM (
        SELECT a.term COLLATE "C" AS term, a.weight, a.part, sum(word.sections)::float8 AS sections,
               sum(word.outstanding) AS outstanding
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
    -- how its postings are read: all, those that stand out, or only those of the best pages
    SELECT part, CASE WHEN sum(postings) OVER rarest > $9 AND row_number() OVER rarest > 1 THEN 'none'
                      WHEN sections <= $9 / 4 THEN 'all' ELSE 'outstanding' END AS read
    FROM (
        SELECT part, max(worth) AS worth, sum(sections) AS sections,
               CASE WHEN sum(sections) <= $9 / 4 THEN sum(sections) ELSE sum(outstanding) END AS postings
        FROM asked GROUP BY part
    ) AS each
    WINDOW rarest AS (ORDER BY worth DESC, part DESC)
), found AS MATERIALIZED (
    SELECT p.page_id, p.section_id, p.audience_id,
           sum(round(asked.gain * p.weight
               / (p.weight + 1.2 * (0.25 + 0.75 * p.section_words / asked.mean_words)))) AS score
    FROM asked
    JOIN part USING (part)
    CROSS JOIN LATERAL (
        SELECT * FROM docs.posting
        WHERE part.read = 'all'
          AND term = asked.term AND audience_id = ANY (ARRAY(SELECT id FROM visible))
        UNION ALL
        SELECT * FROM docs.posting
        WHERE part.read = 'outstanding' AND weight >= 3
          AND term = asked.term AND audience_id = ANY (ARRAY(SELECT id FROM visible))
    ) AS p
    GROUP BY p.page_id, p.section_id, p.audience_id
), page_found AS MATERIALIZED (
    SELECT page_id, audience_id, min(section_id) AS first, max(section_id) AS last,
           count(*) AS sections, max(score) AS best, sum(score) - max(score) AS others,
           max(score) + least(2 * max(score), sum(score) - max(score)) / 2 AS score
    FROM found
    WHERE ($5::text IS NULL AND $6::int4 IS NULL) OR page_id IN (
        SELECT page.id FROM docs.page
        WHERE page.audience_id = ANY (ARRAY(SELECT id FROM visible))
          AND ($5::text IS NULL OR page.collection = $5)
          AND ($6::int4 IS NULL OR page.updated >= current_date - $6)
    )
    GROUP BY page_id, audience_id
), best AS MATERIALIZED (
    SELECT page_id, audience_id, first, last
    FROM (SELECT * FROM page_found ORDER BY score DESC, page_id LIMIT 100) AS page
    CROSS JOIN (
        SELECT coalesce(sum(ceil(gain)), 0) AS gain FROM asked JOIN part USING (part) WHERE read <> 'all'
    ) AS most
    WHERE best + gain + least(2 * (best + gain), others + (sections - 1) * gain) / 2 >= coalesce(
        (SELECT score FROM page_found ORDER BY score DESC OFFSET $7 - 1 LIMIT 1), 0
    )
), scored AS MATERIALIZED (
    SELECT page_id, section_id, sum(score) AS score
    FROM (
        -- as an expression, not as a join: the planner takes thousands of sections for one
        SELECT page_id, section_id, score, true AS rare
        FROM found WHERE (page_id IN (SELECT page_id FROM best)) IS TRUE
        UNION ALL
        SELECT p.page_id, p.section_id,
               round(asked.gain * p.weight
                   / (p.weight + 1.2 * (0.25 + 0.75 * p.section_words / asked.mean_words))), false
        FROM asked
        JOIN part USING (part)
        CROSS JOIN best
        CROSS JOIN LATERAL (
            SELECT * FROM docs.posting
            WHERE term = asked.term AND audience_id = best.audience_id
              AND section_id BETWEEN best.first AND best.last
              AND (part.read = 'none' OR weight < 3)
            OFFSET 0  -- one look for each page: joined, all postings of the word would be read
        ) AS p
        WHERE part.read <> 'all'
    ) AS gained
    GROUP BY page_id, section_id HAVING bool_or(rare)
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
           -- parts of names are words to the index; here they are, too, and Python puts the signs back
           translate(substr(page.body, section.starts + 1, section.stops - section.starts), './@_', E'\x03\x04\x05\x06'),
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
