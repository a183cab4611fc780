-- title: Sources
-- doc: How far each source was read, and what was in it.
-- param dataset text '' only this dataset; empty for all
SELECT dataset, "source", format, size, finished, records, documents, non_documents, bad,
  round(100 * bad / nullif(records, 0), 2) AS percent_bad
FROM sources
WHERE $dataset IN ('', dataset)
ORDER BY dataset, "source";
