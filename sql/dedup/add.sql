-- Adds the window to the index.
INSERT INTO dedup_bands SELECT band, first FROM dedup_band_firsts WHERE is_new ORDER BY first, band;
INSERT INTO dedup_hashes SELECT text_hash, first FROM dedup_hash_firsts WHERE is_new ORDER BY first;
INSERT INTO dedup_documents SELECT ordinal, document_id, minhashes FROM dedup_window ORDER BY ordinal;
