-- title: Funnel
-- doc: Documents from seen to kept: what each rule dropped, in the order in which the rules were asked, and how many documents and tokens were left.
-- param dataset text '' only this dataset; empty for all
WITH counted AS (
  SELECT dataset, verdict, reason, sum(documents)::BIGINT AS documents, sum(tokens)::BIGINT AS tokens
  FROM verdicts
  WHERE $dataset IN ('', dataset)
  GROUP BY ALL
),
-- A rule of the policy that dropped nothing has its line all the same.
dropped AS (
  SELECT c.dataset, c.reason AS rule, c.documents, r.position
  FROM counted c LEFT JOIN rules r ON r.dataset = c.dataset AND r.rule = c.reason
  WHERE c.verdict = 'drop'
  UNION ALL
  SELECT dataset, rule, 0, position FROM rules
  WHERE $dataset IN ('', dataset) AND (dataset, rule) NOT IN (SELECT dataset, reason FROM counted WHERE reason IS NOT NULL)
),
steps AS (
  SELECT dataset, 0 AS stage, 'seen' AS step, NULL AS rule, NULL AS position, 0 AS dropped, sum(documents)::BIGINT AS documents, NULL AS tokens
  FROM counted GROUP BY dataset
  UNION ALL BY NAME
  SELECT dataset, CASE WHEN position IS NOT NULL THEN 1 WHEN rule LIKE '%duplicate' THEN 3 ELSE 2 END AS stage,
    CASE stage WHEN 1 THEN 'policy' WHEN 3 THEN 'deduplication' ELSE 'other' END AS step,
    rule, position, documents AS dropped
  FROM dropped
  UNION ALL BY NAME
  SELECT dataset, 4 AS stage, 'kept' AS step, 0 AS dropped, sum(tokens)::BIGINT AS tokens
  FROM counted WHERE verdict = 'keep' GROUP BY dataset
)
SELECT dataset, step, rule, dropped,
  (first_value(documents) OVER ranked - sum(dropped) OVER ranked)::BIGINT AS remaining,
  round(100 * remaining / first_value(documents) OVER ranked, 2) AS percent,
  tokens
FROM steps
WINDOW ranked AS (PARTITION BY dataset ORDER BY stage, position, rule)
ORDER BY dataset, stage, position, rule;
