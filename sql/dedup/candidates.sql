-- Candidates of one partition of the keys of view `dedup_documents`: for every document and key that an earlier document
-- has too, the first such document. A key is a band's hash, which covers the number of the band, or a hash of text, payload
-- or URL; part `$partition` of `$partitions` has the bands of these numbers and the exact keys that fall to it, so
-- partitions share nothing and may run anywhere.
-- kind: 0 text, 1 payload, 2 URL, 3 band
INSERT INTO dedup_candidates
WITH keys AS (
  SELECT ordinal, 3::TINYINT AS kind, unnest(list_slice(bands, $partition + 1, len(bands), $partitions)) AS key
  FROM dedup_documents
  UNION ALL
  SELECT ordinal, kind, ('0x' || hash[1:16])::UBIGINT AS key
  FROM (
    SELECT ordinal, unnest([0, 1, 2])::TINYINT AS kind, unnest([text_hash, payload_hash, url_hash]) AS hash
    FROM dedup_documents
  )
  WHERE hash IS NOT NULL AND ('0x' || hash[1:4])::INTEGER % $partitions = $partition
),
firsts AS (
  SELECT kind, key, min(ordinal) AS first FROM keys GROUP BY kind, key HAVING count(*) > 1
)
SELECT DISTINCT ordinal, kind, first FROM keys JOIN firsts USING (kind, key) WHERE first < ordinal;
