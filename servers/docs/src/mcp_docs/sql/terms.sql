-- The stems of a query and their kin, longer words that begin with them: "defin" and "definit".
-- A stem that nobody wrote comes back without a term.
-- $1 groups, $2 query
SELECT asked.term AS stem, word.term
FROM (
    SELECT term COLLATE "C" AS term, row_number() OVER (ORDER BY min(place), term) AS place
    FROM docs.stems($2) GROUP BY term
) AS asked
LEFT JOIN LATERAL (
    SELECT DISTINCT word.term
    FROM docs.word
    WHERE word.audience_id = ANY (ARRAY(SELECT id FROM docs.audience WHERE groups && $1::text[]))
      AND word.term BETWEEN asked.term
          AND CASE WHEN length(asked.term) >= 5 THEN asked.term || 'zzz' ELSE asked.term END
      AND length(word.term) <= length(asked.term) + 3
) AS word ON true
ORDER BY asked.place, word.term
