-- title: Token histogram
-- doc: Kept documents by their number of tokens, in powers of two.
-- param dataset text '' only this dataset; empty for all
SELECT dataset, (2 ** floor(log2(tokens)))::BIGINT AS from_tokens, 2 * from_tokens AS below, count(*) AS documents,
  sum(tokens)::BIGINT AS tokens, round(100 * sum(tokens) / sum(sum(tokens)) OVER (PARTITION BY dataset), 2) AS percent_of_tokens
FROM documents
WHERE tokens > 0 AND $dataset IN ('', dataset)
GROUP BY dataset, from_tokens
ORDER BY dataset, from_tokens;
