/** The stored signals of a dataset as a table that policies can be tried on, without reading the crawl. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../../core/errors.js';
import { quoteName, quoteText } from '../../store/schema.js';
import { SIGNALS_TABLE } from '../signals/table.js';

/** Table of `loadStoredSignals`: the columns of `signals`, document_id and document_tokens. */
export const STORED_SIGNALS = 'stored_signals';

export interface StoredSignals {
  readonly documents: number;
  /** Tokens of a byte of text, over the documents that have tokens: what those without are estimated by. */
  readonly tokensPerByte: number;
}

/**
 * Makes the table from the view `documents` of the connection. Tokens of documents that were dropped are not known;
 * they are estimated by their bytes and rounded.
 * @throws TokenmillError DATASET_NOT_FOUND where it has no document, CONFIG_MISMATCH where an older version measured it
 */
export async function loadStoredSignals(
  connection: DuckDBConnection,
  dataset: string,
): Promise<StoredSignals> {
  const where = `dataset = ${quoteText(dataset)}`;
  const counted = await connection.runAndReadAll(
    `SELECT count(*)::DOUBLE, count(byte_count)::DOUBLE,
            coalesce(sum(tokens) / nullif(sum(byte_count) FILTER (tokens IS NOT NULL), 0), 0.25)
     FROM documents WHERE ${where}`,
  );
  const [documents, measured, tokensPerByte] = counted.getRows()[0].map(Number);
  if (documents === 0) {
    throw new TokenmillError('DATASET_NOT_FOUND', `dataset ${dataset} has no documents yet`, {
      hint: 'see the datasets with: tokenmill query "select dataset, count(*) from documents group by all"',
    });
  }
  if (measured < documents) {
    throw new TokenmillError(
      'CONFIG_MISMATCH',
      `dataset ${dataset} was measured by an older version, which lacks some signals`,
      { hint: 'ingest its sources into a new dataset' },
    );
  }
  const columns = SIGNALS_TABLE.map(({ name }) => quoteName(name));
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ${STORED_SIGNALS} AS
     SELECT ${columns.join(', ')}, document_id,
            coalesce(tokens, round(byte_count * ${tokensPerByte}))::BIGINT AS document_tokens
     FROM documents WHERE ${where} ORDER BY ordinal`,
  );
  return { documents, tokensPerByte };
}
