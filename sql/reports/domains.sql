-- title: Domains
-- doc: The hosts with the most documents, and what was kept of them.
-- param dataset text '' only this dataset; empty for all
-- param limit integer 50 how many hosts
SELECT dataset, lower(regexp_extract(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#]*@)?([^/?#:]+)', 1)) AS host,
  count(*) AS documents, count(*) FILTER (WHERE verdict = 'keep') AS kept,
  round(100 * count(*) FILTER (WHERE verdict = 'keep') / count(*), 2) AS percent_kept, coalesce(sum(tokens), 0)::BIGINT AS tokens
FROM documents
WHERE url IS NOT NULL AND $dataset IN ('', dataset)
GROUP BY dataset, host
ORDER BY documents DESC, dataset, host
LIMIT $limit;
