-- Words like one that nobody wrote: one slip, or two in a long word. Only words the reader may see.
-- Similarity goes first, because it is the cheaper test. $1 groups, $2 stem
SELECT term, max(similarity(term, $2))::float8 AS likeness
FROM docs.word
WHERE audience_id = ANY (ARRAY(SELECT id FROM docs.audience WHERE groups && $1::text[]))
  AND length(term) BETWEEN length($2) - 2 AND length($2) + 2
  AND similarity(term, $2) >= 0.25
  AND levenshtein_less_equal(term, $2, 2) <= CASE WHEN length($2) >= 6 THEN 2 ELSE 1 END
GROUP BY term
ORDER BY likeness DESC, term
LIMIT 3
