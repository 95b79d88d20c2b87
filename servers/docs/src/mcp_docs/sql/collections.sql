-- $1 groups, $2 limit
SELECT collection, count(*) AS pages, max(updated) AS newest,
       count(*) FILTER (WHERE review_by < current_date) AS overdue,
       (array_agg(title ORDER BY updated DESC, doc_id))[1:5] AS titles
FROM docs.page
WHERE audience_id = ANY (ARRAY(SELECT id FROM docs.audience WHERE groups && $1::text[]))
GROUP BY collection ORDER BY collection LIMIT $2
