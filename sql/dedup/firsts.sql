-- Who is the first with each band and each text of the view `dedup_window`, in the index or in the window itself.
-- Documents of the index come before those of the window, so a band that the index knows has its first there.
-- A band's hash covers the band's number: equal hashes are equal bands.
CREATE OR REPLACE TEMP TABLE dedup_window_bands AS
SELECT ordinal, unnest(bands) AS band FROM dedup_window;

CREATE OR REPLACE TEMP TABLE dedup_band_firsts AS
SELECT band, coalesce(known.first, own.first) AS first, known.first IS NULL AS is_new
FROM (SELECT band, min(ordinal) AS first FROM dedup_window_bands GROUP BY band) own
LEFT JOIN dedup_bands known USING (band);

CREATE OR REPLACE TEMP TABLE dedup_hash_firsts AS
SELECT text_hash, coalesce(known.first, own.first) AS first, known.first IS NULL AS is_new
FROM (SELECT text_hash, min(ordinal) AS first FROM dedup_window GROUP BY text_hash) own
LEFT JOIN dedup_hashes known USING (text_hash);
