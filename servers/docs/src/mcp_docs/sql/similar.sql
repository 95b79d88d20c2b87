-- What a word may have meant that nobody wrote: two words written as one, else up to three words that
-- are one slip away, or two in a long word, with the first letter right. Only words the reader may see.
-- `said` is the word as it stands in the question.
-- $1 groups, $2 stems, $3 query
WITH visible AS MATERIALIZED (
    SELECT id FROM docs.audience WHERE groups && $1::text[]
), missing AS MATERIALIZED (
    SELECT stem.term COLLATE "C" AS stem, min(word.said) AS said
    FROM regexp_split_to_table($3, '\s+') AS word (said)
    CROSS JOIN LATERAL docs.stems(word.said) AS stem
    WHERE stem.term = ANY ($2::text[])
    GROUP BY stem.term
), joined AS MATERIALIZED (
    -- in the middle rather than at an end; five letters at least, for "ship" and "less" are endings
    SELECT missing.stem, cut.parts
    FROM missing
    CROSS JOIN LATERAL (
        SELECT part.terms AS parts
        FROM generate_series(4, length(missing.said) - 5) AS at
        CROSS JOIN LATERAL (
            SELECT array_agg(stem[1] COLLATE "C") AS terms
            FROM unnest(ARRAY[left(missing.said, at), substr(missing.said, at + 1)]) AS piece
            CROSS JOIN LATERAL ts_lexize('pg_catalog.english_stem', lower(piece)) AS stem
        ) AS part
        WHERE missing.said ~ '^[[:alpha:]]+$' AND (
            SELECT count(DISTINCT word.term) FROM docs.word
            WHERE word.term = ANY (part.terms) AND word.audience_id = ANY (ARRAY(SELECT id FROM visible))
        ) = 2
        ORDER BY abs(2 * at - length(missing.said)), at LIMIT 1
    ) AS cut
)
SELECT missing.stem, missing.said, near.term
FROM missing
CROSS JOIN LATERAL (SELECT CASE WHEN length(missing.stem) >= 6 THEN 2 ELSE 1 END AS slips) AS allowed
LEFT JOIN joined USING (stem)
LEFT JOIN LATERAL (
    SELECT unnest(joined.parts) AS term, 1 AS likeness
    UNION ALL (
        SELECT term.term, similarity(term.term, missing.stem)
        FROM docs.term
        WHERE joined.parts IS NULL
          AND term.initial = left(missing.stem, 1) COLLATE "C"
          AND term.size BETWEEN length(missing.stem) - slips AND length(missing.stem) + slips
          AND levenshtein_less_equal(term.term, missing.stem, slips) <= slips
          AND similarity(term.term, missing.stem) >= 0.25
          AND (
              SELECT true FROM docs.word
              WHERE word.term = term.term AND word.audience_id = ANY (ARRAY(SELECT id FROM visible))
              LIMIT 1
          )
        ORDER BY 2 DESC, 1 LIMIT 3
    )
) AS near ON true
ORDER BY missing.stem, near.likeness DESC, near.term
