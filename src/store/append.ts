/** Bulk append of columns to a DuckDB table, in data chunks: a row at a time would be several times slower. */
import {
  DuckDBDataChunk,
  listValue,
  type DuckDBConnection,
  type DuckDBType,
  type DuckDBValue,
} from '@duckdb/node-api';

/** Rows of a DuckDB vector, which is also the largest chunk. */
const CHUNK_ROWS = 2048;

export interface AppendColumn {
  readonly type: DuckDBType;
  /** One a row. Integers of 64 bits as bigint; a list as an array or typed array of its values. */
  readonly values: readonly unknown[];
}

/** Appends rows to `table`, whose columns must be these, in this order. All columns have one length. */
export async function appendColumns(
  connection: DuckDBConnection,
  table: string,
  columns: readonly AppendColumn[],
): Promise<void> {
  const rows = columns[0].values.length;
  if (rows === 0) return;
  const appender = await connection.createAppender(table);
  try {
    for (let start = 0; start < rows; start += CHUNK_ROWS) {
      const end = Math.min(start + CHUNK_ROWS, rows);
      const chunk = DuckDBDataChunk.create(
        columns.map(({ type }) => type),
        end - start,
      );
      chunk.setColumns(columns.map(({ values }) => values.slice(start, end).map(toDuckDB)));
      appender.appendDataChunk(chunk);
    }
    appender.flushSync();
  } finally {
    appender.closeSync();
  }
}

function toDuckDB(value: unknown): DuckDBValue {
  if (value === undefined) return null;
  if (Array.isArray(value)) return listValue(value as DuckDBValue[]);
  if (ArrayBuffer.isView(value)) return listValue([...(value as unknown as Iterable<DuckDBValue>)]);
  return value as DuckDBValue;
}
