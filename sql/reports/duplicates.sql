-- title: Duplicates
-- doc: The largest clusters: documents that others were dropped for being like, with the number of copies and their similarity.
-- param dataset text '' only this dataset; empty for all
-- param limit integer 20 how many clusters
WITH clusters AS (
  SELECT dataset, duplicate_of AS document_id, count(*) AS copies, min(jaccard) AS lowest_jaccard,
    count(*) FILTER (WHERE reason = 'exact_duplicate') AS exact, count(DISTINCT "source") AS sources
  FROM documents
  WHERE duplicate_of IS NOT NULL AND $dataset IN ('', dataset)
  GROUP BY dataset, duplicate_of
  ORDER BY copies DESC, dataset, document_id
  LIMIT $limit
)
SELECT c.*, d."source", d."offset", d.length, d.url, d.verdict
FROM clusters c JOIN documents d USING (dataset, document_id)
ORDER BY copies DESC, dataset, document_id;
