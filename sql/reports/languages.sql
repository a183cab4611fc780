-- title: Languages
-- doc: Documents and tokens by language.
-- param dataset text '' only this dataset; empty for all
SELECT dataset, "language", count(*) AS documents, count(*) FILTER (WHERE verdict = 'keep') AS kept,
  round(100 * count(*) FILTER (WHERE verdict = 'keep') / count(*), 2) AS percent_kept, coalesce(sum(tokens), 0)::BIGINT AS tokens,
  round(avg(language_score), 3) AS mean_score
FROM documents
WHERE $dataset IN ('', dataset)
GROUP BY dataset, "language"
ORDER BY dataset, documents DESC, "language";
