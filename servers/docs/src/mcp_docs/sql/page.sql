-- One page with its sections. Numbers as text: the driver knows text[] without asking the catalogue,
-- which it may not ask here (set_config is revoked). $1 groups, $2 doc_id
SELECT p.doc_id, p.title, p.owner, p.classification, p.updated, p.review_by, current_date AS today, p.body,
       ARRAY(SELECT array_to_string(s.headings, E'\x1f') FROM docs.section s
             WHERE s.page_id = p.id ORDER BY s.position) AS headings,
       ARRAY(SELECT s.starts::text FROM docs.section s WHERE s.page_id = p.id ORDER BY s.position) AS starts,
       ARRAY(SELECT s.stops::text FROM docs.section s WHERE s.page_id = p.id ORDER BY s.position) AS stops
FROM docs.page p
WHERE p.doc_id = $2 AND p.audience_id = ANY (ARRAY(SELECT id FROM docs.audience WHERE groups && $1::text[]))
