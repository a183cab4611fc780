/** What the commands over the duplicates of a dataset share. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../../../core/errors.js';
import { readRecordAt } from '../../../ingest/formats/record-at.js';
import { parseRecord } from '../../../ingest/formats/parse.js';
import type { ReadingConfig } from '../../../ingest/reading.js';
import type { Format, Layout } from '../../../ingest/records.js';

/** Signatures of the one dataset that the views show, as `dedupBatch` reads them. */
export const SIGNATURES = '(SELECT * EXCLUDE (dataset) FROM signatures)';

export interface DocumentRow {
  readonly ordinal: number;
  readonly id: string;
  readonly url: string | null;
  readonly source: string;
  readonly verdict: string;
  readonly jaccard: number | null;
}

/** Rows of documents by their ordinals. */
export async function documentRows(
  connection: DuckDBConnection,
  ordinals: readonly number[],
): Promise<Map<number, DocumentRow>> {
  if (ordinals.length === 0) return new Map();
  const result = await connection.runAndReadAll(
    `SELECT ordinal::DOUBLE, document_id, url, source, verdict, jaccard FROM documents WHERE ordinal IN (${ordinals.join(', ')})`,
  );
  return new Map(
    result
      .getRows()
      .map(([ordinal, id, url, source, verdict, jaccard]) => [
        ordinal as number,
        { ordinal, id, url, source, verdict, jaccard } as DocumentRow,
      ]),
  );
}

/**
 * The text of a document: kept ones have it, that of a dropped one is made again from its record.
 * @param readingOf how the records of a dataset are read
 * @throws TokenmillError DOCUMENT_NOT_FOUND, and what reading a record throws
 */
export async function documentText(
  connection: DuckDBConnection,
  id: string,
  readingOf: (dataset: string) => Promise<ReadingConfig>,
): Promise<string> {
  const result = await connection.runAndReadAll(
    `SELECT d.dataset, d.text, d.url, d.space, d."offset"::DOUBLE AS "offset", d.length::DOUBLE AS length, s.location, s.format, s.layout
     FROM documents d JOIN sources s USING (dataset, source) WHERE starts_with(d.document_id, $1) LIMIT 2`,
    [id],
  );
  const rows = result.getRowObjects();
  if (rows.length !== 1) {
    throw new TokenmillError(
      'DOCUMENT_NOT_FOUND',
      rows.length === 0 ? `no document's id begins with ${id}` : `several documents' ids begin with ${id}`,
      { hint: 'tokenmill dedup clusters prints the ids of duplicates' },
    );
  }
  const [{ dataset, text, url, space, offset, length, location, format, layout }] = rows;
  if (text !== null) return text as string;
  const place = { space: space as 'file' | 'content', offset: offset as number, length: length as number };
  const options = layout === null ? {} : (JSON.parse(layout as string) as Omit<Layout, 'format'>);
  const record = await readRecordAt(location as string, place, options.fields);
  const parsed = parseRecord(format as Format, record, {
    ...options,
    url: (url as string | null) ?? undefined,
    reading: await readingOf(dataset as string),
  });
  if (parsed.kind === 'document') return parsed.text;
  throw new TokenmillError('SOURCE_CHANGED', `the record of document ${id} is no document any more`);
}
