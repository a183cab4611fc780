-- The duplicates of view `dedup_documents` from the candidates of all partitions: for each document the first earlier one
-- with the same text, else payload, else URL, else the first that shares a band and is similar enough where that is
-- verified ($verify is NULL where it is not).
WITH compared AS (
  SELECT
    c.ordinal,
    c.kind,
    c.first,
    own.document_id,
    CASE
      WHEN c.kind < 3 THEN 1.0::DOUBLE
      WHEN $verify::DOUBLE IS NULL THEN
        list_sum(list_transform(range(1, len(own.minhashes) + 1), lambda i: (own.minhashes[i] = other.minhashes[i])::INTEGER))
        / len(own.minhashes)
      ELSE
        len(list_intersect(own.shingles, other.shingles))
        / (len(own.shingles) + len(other.shingles) - len(list_intersect(own.shingles, other.shingles)))
    END AS jaccard,
    other.document_id AS duplicate_of
  FROM dedup_candidates c
  JOIN dedup_documents own ON own.ordinal = c.ordinal
  JOIN dedup_documents other ON other.ordinal = c.first
)
SELECT
  ordinal,
  ['exact_duplicate', 'payload_duplicate', 'url_duplicate', 'near_duplicate'][kind + 1] AS reason,
  first AS duplicate_of_ordinal,
  duplicate_of,
  jaccard
FROM compared
WHERE kind < 3 OR $verify::DOUBLE IS NULL OR jaccard >= $verify
QUALIFY row_number() OVER (PARTITION BY ordinal ORDER BY kind, first) = 1
ORDER BY ordinal;
