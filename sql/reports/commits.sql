-- title: Commits
-- doc: What each commit added, and the sums up to it.
-- param dataset text '' only this dataset; empty for all
SELECT dataset, sequence, records, documents, kept, dropped, duplicates, bad, tokens,
  sum(records) OVER so_far::BIGINT AS total_records, sum(documents) OVER so_far::BIGINT AS total_documents,
  sum(kept) OVER so_far::BIGINT AS total_kept, sum(tokens) OVER so_far::BIGINT AS total_tokens,
  round(100 * kept / nullif(documents, 0), 2) AS percent_kept
FROM commits
WHERE $dataset IN ('', dataset)
WINDOW so_far AS (PARTITION BY dataset ORDER BY sequence)
ORDER BY dataset, sequence;
