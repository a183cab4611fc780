-- title: Training curve
-- doc: The course of a run in a number of points: mean loss between them, the last evaluation, rate and speed.
-- param run text '' only this run; empty for all
-- param points integer 50 how many points
WITH steps AS (
  SELECT *, ntile($points) OVER (PARTITION BY run ORDER BY step) AS point
  FROM training
  WHERE $run IN ('', run)
)
SELECT run, max(step) AS step, max(tokens) AS tokens, round(avg(loss), 4) AS loss,
  round(arg_max(validation_loss, step) FILTER (WHERE validation_loss IS NOT NULL), 4) AS validation_loss,
  round(avg(gradient_norm), 4) AS gradient_norm, arg_max(learning_rate, step) AS learning_rate,
  round(median(tokens_per_second)) AS tokens_per_second
FROM steps
GROUP BY run, point
ORDER BY run, step;
