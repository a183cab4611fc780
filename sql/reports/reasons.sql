-- title: Reasons
-- doc: Why documents were dropped: how many by each rule, the spread of the values measured, and one document to look at.
-- param dataset text '' only this dataset; empty for all
SELECT dataset, reason, count(*) AS documents,
  round(100 * count(*) / sum(count(*)) OVER (PARTITION BY dataset), 2) AS percent,
  min(measured) AS lowest, median(measured) AS median, max(measured) AS highest,
  arg_min(document_id, ordinal) AS example
FROM documents
WHERE verdict = 'drop' AND $dataset IN ('', dataset)
GROUP BY dataset, reason
ORDER BY dataset, documents DESC, reason;
