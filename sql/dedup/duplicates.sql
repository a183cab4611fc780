-- The duplicates of the window, once it is in the index: for each document the earliest earlier one with the same
-- text, else the earliest earlier one that shares a band, whether or not that one was dropped as a duplicate itself.
CREATE OR REPLACE TEMP TABLE dedup_result AS
WITH exact AS (
  SELECT ordinal, first FROM dedup_window JOIN dedup_hash_firsts USING (text_hash) WHERE first < ordinal
),
near AS (
  SELECT ordinal, min(first) AS first
  FROM dedup_window_bands JOIN dedup_band_firsts USING (band)
  WHERE first < ordinal AND ordinal NOT IN (SELECT ordinal FROM exact)
  GROUP BY ordinal
),
pairs AS (
  SELECT near.ordinal, unnest(own.minhashes) AS own, unnest(other.minhashes) AS other
  FROM near
  JOIN dedup_window own ON own.ordinal = near.ordinal
  JOIN dedup_documents other ON other.ordinal = near.first
),
similarities AS (
  SELECT ordinal, count(*) FILTER (WHERE own = other) / count(*) AS jaccard FROM pairs GROUP BY ordinal
),
found AS (
  SELECT ordinal, 'exact_duplicate' AS reason, first, 1.0::DOUBLE AS jaccard FROM exact
  UNION ALL
  SELECT ordinal, 'near_duplicate', first, jaccard FROM near JOIN similarities USING (ordinal)
)
SELECT
  found.ordinal,
  reason,
  first AS duplicate_of_ordinal,
  other.document_id AS duplicate_of,
  jaccard
FROM found JOIN dedup_documents other ON other.ordinal = found.first
ORDER BY found.ordinal;
