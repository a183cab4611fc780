/**
 * Runs one reading SQL statement and hands out its result part by part, in the format asked for. The result is never
 * whole in memory: DuckDB computes it in chunks, and a slow reader holds DuckDB back.
 */
import { tmpdir } from 'node:os';
import { StatementType, type DuckDBConnection, type DuckDBResult } from '@duckdb/node-api';
import { TokenmillError } from '../../core/errors.js';
import { Interruption } from './interruption.js';
import { tooManyBytes, tooManyRows, UNLIMITED, type QueryLimits } from './limits.js';
import { formatArrow } from './result-arrow.js';
import { buildParquet } from './result-parquet.js';
import {
  formatCsv,
  formatJson,
  formatNdjson,
  formatTable,
  formatVerbatim,
  type QueryResult,
} from './result-text.js';
import { prepareRead, sqlError, type Parameters } from './statement.js';

export const QUERY_FORMATS = ['table', 'json', 'ndjson', 'csv', 'arrow', 'parquet'] as const;
export type QueryFormat = (typeof QUERY_FORMATS)[number];

export interface QueryRequest {
  readonly sql: string;
  /**
   * - table: for people; aligned, long values cut, the number of rows last
   * - json: an array of objects, one a line; integers as numbers where a double holds them, else as text
   * - ndjson: the same objects, one a line, no array
   * - csv: RFC 4180, with a header; NULL is an empty field, an empty text is ""
   * - arrow: Arrow IPC stream; parquet: a Parquet file. HUGEINT, which sums of BIGINT are, is a 64-bit float in both
   */
  readonly format: QueryFormat;
  readonly parameters?: Parameters;
  /** The result ends after so many rows, as with LIMIT. */
  readonly limit?: number;
}

export interface QueryOptions {
  readonly limits?: QueryLimits;
  /** Interrupts the statement. */
  readonly signal?: AbortSignal;
  /** Where a Parquet result is built before it is sent. Default: the system's folder for temporary files. */
  readonly temporaryFolder?: string;
  readonly allowFiles?: boolean;
}

/**
 * The parts of the result.
 * @throws TokenmillError SQL_INVALID, SQL_LIMIT, SQL_TIMEOUT, INTERRUPTED; anything may come after parts
 */
export async function* executeQuery(
  connection: DuckDBConnection,
  request: QueryRequest,
  options: QueryOptions = {},
): AsyncGenerator<string | Uint8Array> {
  const { limits = UNLIMITED } = options;
  const interruption = new Interruption(connection, options.signal, limits.milliseconds);
  try {
    yield* bounded(results(connection, request, options, limits, interruption), limits);
  } catch (error) {
    throw interruption.reason ?? (error instanceof TokenmillError ? error : sqlError(error));
  } finally {
    interruption.end();
  }
}

async function* results(
  connection: DuckDBConnection,
  request: QueryRequest,
  options: QueryOptions,
  limits: QueryLimits,
  interruption: Interruption,
): AsyncGenerator<string | Uint8Array> {
  const { format, sql, parameters } = request;
  const { allowFiles } = options;
  const statement = await prepareRead(connection, sql, { parameters, allowFiles });
  interruption.check();
  try {
    const explains = statement.statementType === StatementType.EXPLAIN;
    if (format === 'parquet') {
      if (explains) {
        throw new TokenmillError('SQL_INVALID', 'the answer of EXPLAIN is text and has no Parquet form', {
          hint: 'ask for another format to see it as text',
        });
      }
      yield* buildParquet(connection, request, options.temporaryFolder ?? tmpdir(), limits, interruption);
    } else {
      const result = await statement.stream();
      yield* formatResult(result, request, explains, limits, interruption);
    }
  } finally {
    statement.destroySync();
  }
}

function formatResult(
  result: DuckDBResult,
  { format, limit }: QueryRequest,
  explains: boolean,
  limits: QueryLimits,
  interruption: Interruption,
): AsyncIterable<string | Uint8Array> {
  const chunks: QueryResult = {
    names: result.deduplicatedColumnNames(),
    types: result.columnTypes(),
    chunks: readChunks(result, limit, limits, interruption),
  };
  switch (format) {
    case 'json':
      return formatJson(chunks);
    case 'ndjson':
      return formatNdjson(chunks);
    case 'csv':
      return formatCsv(chunks);
    case 'arrow':
      return formatArrow(chunks);
    default:
      return explains ? formatVerbatim(chunks) : formatTable(chunks);
  }
}

async function* readChunks(
  result: DuckDBResult,
  limit: number | undefined,
  limits: QueryLimits,
  interruption: Interruption,
): QueryResult['chunks'] {
  let left = limit ?? Number.POSITIVE_INFINITY;
  let rows = 0;
  while (left > 0) {
    interruption.check();
    // Much of a statement runs only now, and fails only now.
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) {
      // A result that was interrupted may also just end.
      interruption.check();
      return;
    }
    if (chunk.rowCount > left) chunk.rowCount = left;
    left -= chunk.rowCount;
    rows += chunk.rowCount;
    if (rows > limits.rows) throw tooManyRows(limits);
    yield chunk;
  }
}

async function* bounded(
  parts: AsyncIterable<string | Uint8Array>,
  limits: QueryLimits,
): AsyncGenerator<string | Uint8Array> {
  let bytes = 0;
  for await (const part of parts) {
    bytes += typeof part === 'string' ? Buffer.byteLength(part) : part.length;
    if (bytes > limits.bytes) throw tooManyBytes(limits);
    if (part.length > 0) yield part;
  }
}
