-- Pages in the order of their address. $1 groups, $2 after this one, $3 limit
SELECT doc_id, title, updated, octet_length(body) AS size
FROM docs.page
WHERE audience_id = ANY (ARRAY(SELECT id FROM docs.audience WHERE groups && $1::text[])) AND doc_id > $2
ORDER BY doc_id LIMIT $3
