-- title: Shards in training
-- doc: Which steps of a run were trained on which shards: tokens read, of how many, and tokens that were read more than once in an epoch (0 where nothing went wrong). A step's own ranges are in training_tokens.
-- param run text '' only this run; empty for all
WITH ranges AS (
  SELECT *, max(first_token + tokens) OVER (
    PARTITION BY run, dataset, shard, epoch ORDER BY first_token, step ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
  ) AS reached
  FROM training_tokens
  WHERE $run IN ('', run)
)
SELECT r.run, r.dataset, r.shard, r.epoch, min(r.step) AS first_step, max(r.step) AS last_step,
  sum(r.tokens)::BIGINT AS tokens, any_value(s.tokens) AS shard_tokens,
  sum(greatest(0, least(coalesce(r.reached, 0), r.first_token + r.tokens) - r.first_token))::BIGINT AS repeated
FROM ranges r
LEFT JOIN shards s ON s.dataset = r.dataset AND s.name = r.shard
GROUP BY r.run, r.dataset, r.shard, r.epoch
ORDER BY r.run, r.epoch, r.dataset, r.shard;
