-- title: Shards
-- doc: Token shards with their state in the queue.
-- param dataset text '' only this dataset; empty for all
SELECT s.dataset, s.name, s.split, s."rows", s.tokens, s.bytes, s."commit", q.state, q.attempts, q."owner", q.reason
FROM shards s LEFT JOIN queue q USING (dataset, name)
WHERE $dataset IN ('', s.dataset)
ORDER BY s.dataset, s.split, s.name;
