/**
 * Parquet, read by DuckDB: a record is a row, handed on as the JSON object of its columns that a document is made of,
 * and then parsed as a line of JSONL. Its place is its row number, in space `row`.
 *
 * Invariant: rows come one chunk of DuckDB at a time, so memory does not grow with the file.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { openDatabase } from '../../store/database.js';
import { quoteName, quoteText } from '../../store/schema.js';
import type { BadRecord, CutRecord, FieldNames } from '../records.js';
import { documentColumns } from './fields.js';

/** What DuckDB may hold of a row group. */
const MEMORY_LIMIT = '512MB';

/** Rows from number `from` on; of a row group that is damaged, the rest is bad. @param limit bytes of a row */
export async function* cutParquet(
  location: string,
  from: number,
  limit: number,
  fields?: FieldNames,
): AsyncGenerator<CutRecord | BadRecord> {
  const database = await openDatabase({ memoryLimit: MEMORY_LIMIT, threads: 1 });
  const { connection } = database;
  let row = from;
  try {
    const file = `read_parquet(${quoteText(literal(location))}, file_row_number = true, binary_as_string = true)`;
    const groupEnds = await readGroupEnds(connection, location);
    const object = await objectOf(connection, file, fields);
    // All at once, because each query looks through the whole file; group by group where that met damage, which
    // DuckDB reports before it hands over the rows in front of it.
    let careful = false;
    for (let end = groupEnds.at(-1) ?? 0; row < end;) {
      const until = careful ? (groupEnds.find((groupEnd) => groupEnd > row) as number) : end;
      try {
        for await (const [number, json] of readRows(connection, file, object, row, until)) {
          yield rowRecord(number, json, limit);
          row = number + 1;
        }
        row = until;
      } catch (error) {
        if (careful) {
          yield badRows(row, until, firstLine(error));
          row = until;
        }
        careful = !careful;
      }
    }
  } catch (error) {
    // Not even what the file says about itself can be read.
    yield badRows(row, row + 1, firstLine(error));
  } finally {
    database.close();
  }
}

function rowRecord(number: number, json: string, limit: number): CutRecord | BadRecord {
  const bytes = Buffer.from(json);
  const next = { space: 'row', offset: number + 1 } as const;
  const place = { space: 'row', offset: number, length: 1, next } as const;
  if (bytes.length <= limit) return { kind: 'record', ...place, bytes };
  const detail = `a row of ${bytes.length} bytes; the limit is ${limit}`;
  return { kind: 'bad', ...place, reason: 'too-large', detail };
}

function badRows(from: number, to: number, detail: string): BadRecord {
  const next = { space: 'row', offset: to } as const;
  return { kind: 'bad', space: 'row', offset: from, length: to - from, reason: 'garbage', detail, next };
}

/** Numbers of the rows behind each row group. */
async function readGroupEnds(connection: DuckDBConnection, location: string): Promise<number[]> {
  const result = await connection.runAndReadAll(
    `SELECT DISTINCT row_group_id, row_group_num_rows FROM parquet_metadata(${quoteText(literal(location))}) ORDER BY 1`,
  );
  let end = 0;
  return result.getRows().map(([, rows]) => (end += Number(rows)));
}

/** SQL for a row as the JSON of the columns that a document is made of. */
async function objectOf(
  connection: DuckDBConnection,
  file: string,
  fields: FieldNames | undefined,
): Promise<string> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${file}`);
  const names = described.getRows().map(([name]) => name as string);
  const wanted = documentColumns(names, fields);
  return wanted.length === 0 ? `'{}'` : `to_json(struct_pack(${wanted.map(quoteName).join(', ')}))::VARCHAR`;
}

async function* readRows(
  connection: DuckDBConnection,
  file: string,
  object: string,
  from: number,
  to: number,
): AsyncGenerator<[number: number, json: string]> {
  const result = await connection.stream(
    `SELECT file_row_number, ${object} FROM ${file} WHERE file_row_number >= ${from} AND file_row_number < ${to}`,
  );
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    for (const [number, json] of chunk.getRows()) yield [Number(number), json as string];
  }
}

/** A path for a function that takes patterns. */
function literal(path: string): string {
  return path.replaceAll(/[[*?]/g, '[$&]');
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n', 1)[0];
}
