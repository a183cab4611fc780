/**
 * Rows of typed columns into a DuckDB table, in data chunks: no SQL text and no per-row calls.
 *
 * Invariants: all columns have the same length; their order and types are those of the table. The rows are visible to
 * later statements of the connection when the function resolves.
 */
import {
  DuckDBDataChunk,
  DuckDBListType,
  DuckDBListValue,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';

/** Rows of one chunk: DuckDB's vector size, which a chunk cannot exceed. */
const CHUNK_ROWS = 2048;

export interface AppendColumn {
  readonly type: DuckDBType;
  /**
   * One value a row: bigint for BIGINT and UBIGINT, number for DOUBLE and UINTEGER, string, boolean; null where there
   * is none. A list is an array or typed array of such values.
   */
  readonly values: readonly unknown[];
}

/**
 * Appends rows to `table`.
 * @throws TokenmillError INTERNAL where the columns differ in length or a value does not fit its type
 */
export async function appendColumns(
  connection: DuckDBConnection,
  table: string,
  columns: readonly AppendColumn[],
): Promise<void> {
  const rows = columns[0]?.values.length ?? 0;
  if (columns.some(({ values }) => values.length !== rows)) {
    throw new TokenmillError('INTERNAL', `columns for table ${table} differ in length`);
  }
  const types = columns.map(({ type }) => type);
  const appender = await connection.createAppender(table);
  try {
    for (let start = 0; start < rows; start += CHUNK_ROWS) {
      const end = Math.min(rows, start + CHUNK_ROWS);
      const chunk = DuckDBDataChunk.create(types, end - start);
      columns.forEach(({ type, values }, index) => {
        chunk.setColumnValues(index, toDuckDB(type, values.slice(start, end)));
      });
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  } catch (error) {
    throw new TokenmillError('INTERNAL', `rows do not fit table ${table}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    appender.closeSync();
  }
}

function toDuckDB(type: DuckDBType, values: readonly unknown[]): DuckDBValue[] {
  if (!(type instanceof DuckDBListType)) return values as DuckDBValue[];
  return values.map((value) =>
    value === null ? null : new DuckDBListValue(Array.from(value as ArrayLike<DuckDBValue>)),
  );
}
