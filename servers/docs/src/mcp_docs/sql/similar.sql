-- Words like one that nobody wrote: one slip, or two in a long word, and the first letter right. Only
-- words the reader may see. The vocabulary is walked from one word to the next, because each stands
-- in it once for every audience that has it. $1 groups, $2 stem
WITH RECURSIVE spelt AS (
    (
        SELECT term FROM docs.word
        WHERE term >= left($2, 1) COLLATE "C"
          AND audience_id IN (SELECT id FROM docs.audience WHERE groups && $1::text[])
        ORDER BY term LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT word.term FROM docs.word
        WHERE word.term > spelt.term
          AND word.audience_id IN (SELECT id FROM docs.audience WHERE groups && $1::text[])
        ORDER BY word.term LIMIT 1
    )
    FROM spelt WHERE left(spelt.term, 1) = left($2, 1)
)
SELECT term, similarity(term, $2)::float8 AS likeness
FROM spelt
WHERE left(term, 1) = left($2, 1)
  AND length(term) BETWEEN length($2) - 2 AND length($2) + 2
  AND levenshtein_less_equal(term, $2, 2) <= CASE WHEN length($2) >= 6 THEN 2 ELSE 1 END
  AND similarity(term, $2) >= 0.25
ORDER BY likeness DESC, term
LIMIT 3
