-- title: Lineage
-- doc: From a row of a token shard back to the bytes it came from. The rows of the shards of a split are its kept documents in order, so row and document follow from counting. Rows count from 0.
-- param dataset text 'default' the dataset
-- param shard text '' name of the shard, for example train-000001; empty for all of the dataset
-- param row integer -1 row of the shard; -1 for all
-- param limit integer 100 how many rows
WITH ranges AS (
  SELECT name AS shard, split, "rows", sum("rows") OVER (PARTITION BY split ORDER BY name) - "rows" AS first_row
  FROM shards
  WHERE dataset = $dataset
),
numbered AS (
  SELECT *, row_number() OVER (PARTITION BY split ORDER BY ordinal) - 1 AS split_row
  FROM documents
  WHERE dataset = $dataset AND verdict = 'keep'
)
SELECT r.shard, (n.split_row - r.first_row)::BIGINT AS "row", n.document_id, n.tokens, n."source", s.location, n."space",
  n."offset", n.length, n.url
FROM ranges r
JOIN numbered n ON n.split = r.split AND n.split_row >= r.first_row AND n.split_row < r.first_row + r."rows"
LEFT JOIN sources s ON s.dataset = $dataset AND s."source" = n."source"
WHERE $shard IN ('', r.shard) AND $row IN (-1, n.split_row - r.first_row)
ORDER BY r.shard, "row"
LIMIT $limit;
