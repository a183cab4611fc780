/**
 * Parquet, read by DuckDB: a record is a row, handed on as the JSON object of its columns that a document is made of,
 * and then parsed as a line of JSONL. Its place is its row number, in space `row`.
 *
 * Invariant: rows come one chunk of DuckDB at a time, so memory does not grow with the file.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { openDatabase } from '../../store/database.js';
import { quoteName, quoteText } from '../../store/schema.js';
import type { BadRecord, CutRecord } from '../records.js';
import { DOCUMENT_COLUMNS } from './parse-jsonl.js';

/** What DuckDB may hold of a row group. */
const MEMORY_LIMIT = '512MB';

/** Rows from number `from` on; damage ends the file. @param limit bytes of a row */
export async function* cutParquet(
  location: string,
  from: number,
  limit: number,
): AsyncGenerator<CutRecord | BadRecord> {
  const database = await openDatabase({ memoryLimit: MEMORY_LIMIT, threads: 1 });
  let row = from;
  try {
    for await (const [number, text] of readRows(database.connection, location, from)) {
      row = number + 1;
      const next = { space: 'row', offset: row } as const;
      const place = { space: 'row', offset: number, length: 1, next } as const;
      const bytes = Buffer.from(text);
      yield bytes.length > limit
        ? {
            kind: 'bad',
            ...place,
            reason: 'too-large',
            detail: `a row of ${bytes.length} bytes; the limit is ${limit}`,
          }
        : { kind: 'record', ...place, bytes };
    }
  } catch (error) {
    const rows = await countRows(database.connection, location);
    const length = Math.max(1, (rows ?? 0) - row);
    yield {
      kind: 'bad',
      space: 'row',
      offset: row,
      length,
      reason: 'garbage',
      detail: firstLine(error),
      next: { space: 'row', offset: row + length },
    };
  } finally {
    database.close();
  }
}

async function* readRows(
  connection: DuckDBConnection,
  location: string,
  from: number,
): AsyncGenerator<[number: number, json: string]> {
  const file = `read_parquet(${quoteText(literal(location))}, file_row_number = true, binary_as_string = true)`;
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${file}`);
  const names = described.getRows().map(([name]) => name as string);
  const wanted = names.filter((name) => DOCUMENT_COLUMNS.has(name));
  const object =
    wanted.length === 0 ? `'{}'` : `to_json(struct_pack(${wanted.map(quoteName).join(', ')}))::VARCHAR`;
  const result = await connection.stream(
    `SELECT file_row_number, ${object} FROM ${file} WHERE file_row_number >= ${from}`,
  );
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    for (const [number, json] of chunk.getRows()) yield [Number(number), json as string];
  }
}

/** Undefined where not even that can be read. */
async function countRows(connection: DuckDBConnection, location: string): Promise<number | undefined> {
  const sql = `SELECT num_rows FROM parquet_file_metadata(${quoteText(literal(location))})`;
  return connection.runAndReadAll(sql).then(
    (result) => Number(result.getRows()[0][0]),
    () => undefined,
  );
}

/** A path for a function that takes patterns. */
function literal(path: string): string {
  return path.replaceAll(/[[*?]/g, '[$&]');
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0];
}
