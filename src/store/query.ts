/**
 * Runs one reading SQL statement and writes its result to a stream, in the format asked for. The result is never whole
 * in memory: DuckDB hands it over in chunks, and a slow reader of the stream holds DuckDB back.
 */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { StatementType, type DuckDBConnection, type DuckDBResult } from '@duckdb/node-api';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import { formatArrow } from './result-arrow.js';
import { formatCsv, formatJson, formatTable, formatVerbatim, type QueryResult } from './result-text.js';
import { quoteText } from './schema.js';
import { prepareRead, sqlError } from './statement.js';

export const QUERY_FORMATS = ['table', 'json', 'csv', 'arrow', 'parquet'] as const;
export type QueryFormat = (typeof QUERY_FORMATS)[number];

export interface QueryOptions {
  readonly format: QueryFormat;
  /** Where a Parquet result is built before it is sent. Default: the system's folder for temporary files. */
  readonly temporaryFolder?: string;
}

/**
 * Runs `sql` and writes the result to `output`, which stays open. A reader that closes the stream early ends the
 * query; that is no error.
 * - table: for people; aligned, long values cut, the number of rows last
 * - json: an array of objects, one a line; integers as numbers where a double holds them, else as text
 * - csv: RFC 4180, with a header; NULL is an empty field, an empty text is ""
 * - arrow: Arrow IPC stream; parquet: a Parquet file. HUGEINT, which sums of BIGINT are, is a 64-bit float in both
 * @throws TokenmillError SQL_INVALID
 */
export async function runQuery(
  connection: DuckDBConnection,
  sql: string,
  options: QueryOptions,
  output: Writable,
): Promise<void> {
  const statement = await prepareRead(connection, sql);
  try {
    const explains = statement.statementType === StatementType.EXPLAIN;
    if (options.format === 'parquet') {
      if (explains) {
        throw new TokenmillError('SQL_INVALID', 'the answer of EXPLAIN is text and has no Parquet form', {
          hint: 'leave the format out to see it as text',
        });
      }
      await sendParquet(connection, sql, options.temporaryFolder ?? tmpdir(), output);
    } else {
      const result = await statement.stream().catch((error: unknown) => {
        throw sqlError(error);
      });
      await send(format(result, options.format, explains), output);
    }
  } finally {
    statement.destroySync();
  }
}

function format(
  result: DuckDBResult,
  name: Exclude<QueryFormat, 'parquet'>,
  explains: boolean,
): AsyncIterable<string | Uint8Array> {
  const chunks: QueryResult = {
    names: result.deduplicatedColumnNames(),
    types: result.columnTypes(),
    chunks: readChunks(result),
  };
  switch (name) {
    case 'table':
      return explains ? formatVerbatim(chunks) : formatTable(chunks);
    case 'json':
      return formatJson(chunks);
    case 'csv':
      return formatCsv(chunks);
    case 'arrow':
      return formatArrow(chunks);
  }
}

async function* readChunks(result: DuckDBResult): QueryResult['chunks'] {
  for (;;) {
    // Much of a statement runs only now, and fails only now.
    const chunk = await result.fetchChunk().catch((error: unknown) => {
      throw sqlError(error);
    });
    if (chunk === null || chunk.rowCount === 0) return;
    yield chunk;
  }
}

async function sendParquet(
  connection: DuckDBConnection,
  sql: string,
  temporaryFolder: string,
  output: Writable,
): Promise<void> {
  const folder = await mkdtemp(join(temporaryFolder, 'query-')).catch((error: unknown) => {
    throw fromSystemError(error, temporaryFolder);
  });
  try {
    const file = join(folder, 'result.parquet');
    // query() takes the statement as a text, so that nothing in it, comments included, can end the COPY early.
    const copy = `COPY (SELECT * FROM query(${quoteText(sql)})) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`;
    await connection.run(copy).catch((error: unknown) => {
      throw sqlError(error);
    });
    await send(createReadStream(file), output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Error codes of a stream whose reader has gone. */
const READER_GONE = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED']);

/** Writes the parts in order, each when the one before was taken; stops where the reader has gone. */
async function send(parts: AsyncIterable<string | Uint8Array>, output: Writable): Promise<void> {
  const ignore = (): void => undefined;
  // A stream reports a failed write twice; without a listener the second report would end the process.
  output.on('error', ignore);
  for await (const part of parts) {
    if (!(await writePart(part, output))) return;
  }
  output.off('error', ignore);
}

/** False where the reader has gone. */
async function writePart(part: string | Uint8Array, output: Writable): Promise<boolean> {
  if (output.destroyed) return false;
  return new Promise((resolve, reject) => {
    const closed = (): void => resolve(false);
    output.once('close', closed);
    output.write(part, (error) => {
      output.off('close', closed);
      if (error === null || error === undefined) resolve(true);
      else if (READER_GONE.has((error as NodeJS.ErrnoException).code ?? '')) resolve(false);
      else reject(error);
    });
  });
}
