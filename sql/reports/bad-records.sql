-- title: Bad records
-- doc: Records that could not be used, by reason, with one to look at.
-- param dataset text '' only this dataset; empty for all
SELECT dataset, reason, count(*) AS records, min("source") AS example_source,
  arg_min("offset", "source") AS example_offset, arg_min(detail, "source") AS detail
FROM bad_records
WHERE $dataset IN ('', dataset)
GROUP BY dataset, reason
ORDER BY dataset, records DESC, reason;
