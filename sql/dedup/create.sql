-- The index of the first-wins rule: who was the first with this band, with this text. A later document with the same
-- band or text adds nothing, because only the earliest is ever named.
CREATE OR REPLACE TABLE dedup_bands (band UBIGINT, first BIGINT);
CREATE OR REPLACE TABLE dedup_hashes (text_hash VARCHAR, first BIGINT);
CREATE OR REPLACE TABLE dedup_documents (ordinal BIGINT, document_id VARCHAR, minhashes UINTEGER[]);
