/** A result as a Parquet file: built on disk, because it is complete only with its last byte, then sent. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import { fromSystemError } from '../../core/errors.js';
import { quoteText } from '../schema.js';
import type { Interruption } from './interruption.js';
import { tooManyBytes, tooManyRows, type QueryLimits } from './limits.js';
import { bindParameters, type Parameters } from './statement.js';

/** How often the size of a file that is being built is looked at. */
const SIZE_CHECK_MS = 50;

interface ParquetRequest {
  readonly sql: string;
  readonly parameters?: Parameters;
  readonly limit?: number;
}

/** @throws TokenmillError SQL_LIMIT before the first part, the reason of an interruption; what DuckDB throws */
export async function* buildParquet(
  connection: DuckDBConnection,
  request: ParquetRequest,
  temporaryFolder: string,
  limits: QueryLimits,
  interruption: Interruption,
): AsyncGenerator<Uint8Array> {
  const folder = await mkdtemp(join(temporaryFolder, 'query-')).catch((error: unknown) => {
    throw fromSystemError(error, temporaryFolder);
  });
  const file = join(folder, 'result.parquet');
  let size = 0;
  const watch = setInterval(() => {
    stat(file).then(
      (found) => {
        size = found.size;
        if (size > limits.bytes) connection.interrupt();
      },
      () => undefined,
    );
  }, SIZE_CHECK_MS);
  try {
    const copy = await prepareCopy(connection, request, file, limits);
    try {
      const { rowsChanged } = await copy.run();
      interruption.check();
      if (request.limit === undefined && rowsChanged > limits.rows) throw tooManyRows(limits);
    } catch (error) {
      throw size > limits.bytes ? tooManyBytes(limits) : withoutPath(error, folder);
    } finally {
      copy.destroySync();
    }
    clearInterval(watch);
    for await (const part of createReadStream(file)) yield part as Uint8Array;
  } finally {
    clearInterval(watch);
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param request one whose statement has passed the gate: a SELECT that is whole by itself */
async function prepareCopy(
  connection: DuckDBConnection,
  { sql, parameters = [], limit }: ParquetRequest,
  file: string,
  limits: QueryLimits,
): Promise<DuckDBPreparedStatement> {
  // One row more than may be, so that too many are noticed.
  const rows = Math.min(limit ?? limits.rows + 1, limits.rows + 1);
  const limited = Number.isFinite(rows) ? ` LIMIT ${rows}` : '';
  // The text without comments and semicolons, so that nothing in it can end the COPY early.
  const reader = await connection.runAndReadAll(
    'SELECT json_deserialize_sql(json_serialize_sql($1::VARCHAR))',
    [sql],
  );
  const select = `SELECT * FROM (${String(reader.getRows()[0][0])})${limited}`;
  const copy = await connection.prepare(
    `COPY (${select}) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  bindParameters(copy, parameters);
  return copy;
}

/** The folder is nobody's business. */
function withoutPath(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || !error.message.includes(folder)) return error;
  return new Error(error.message.replaceAll(folder, ''), { cause: error });
}
