/**
 * Documents of a dataset, a page at a time and by id, straight from its Parquet files.
 *
 * A page goes on behind an ordinal, and ordinals name the files that can hold the next rows: without a filter a page
 * costs the same at any depth of any dataset. With one it may have to read far; so a search stops at its deadline and
 * says where it stopped, with the rows that it found until then.
 */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { join } from 'node:path';
import type { DatasetIndex, DocumentsFile, SourcePlace } from './dataset-index.js';
import { documentColumns, quoteName, quoteText } from './schema.js';

/** Rows that one statement looks at: enough to keep DuckDB busy, few enough to come back to the deadline. */
const ROWS_PER_STATEMENT = 50_000;

export interface DocumentFilter {
  readonly verdict?: string;
  readonly reason?: string;
  readonly language?: string;
  readonly source?: string;
  readonly split?: string;
  /** Part of the URL. */
  readonly url?: string;
  /** Part of the text, whatever its case; dropped documents have none. */
  readonly text?: string;
}

export interface DocumentPage {
  /** The core columns without `text`, in order of ordinal. */
  readonly rows: DocumentRow[];
  /** The next page goes on behind this ordinal; null where nothing follows. */
  readonly next: number | null;
}

/** Integers are numbers. */
export type DocumentRow = Record<string, string | number | boolean | null>;

const CONDITIONS: Readonly<Record<keyof DocumentFilter, string>> = {
  verdict: 'verdict = $verdict',
  reason: 'reason = $reason',
  language: 'language = $language',
  source: 'source = $source',
  split: 'split = $split',
  url: 'contains(url, $url)',
  text: 'contains(lower(text), lower($text))',
};

const LISTED = documentColumns
  .filter(({ name }) => name !== 'text')
  .map(({ name }) => quoteName(name))
  .join(', ');

export interface PageOptions {
  /** Ordinal of the last document before the page; -1 for the first page. */
  readonly after: number;
  readonly limit: number;
  /** Milliseconds of `performance.now()` at which a search ends, with at least one statement done. */
  readonly deadline: number;
}

/** @throws TokenmillError DATASET_CORRUPT where a file cannot be read */
export async function listDocuments(
  connection: DuckDBConnection,
  index: DatasetIndex,
  filter: DocumentFilter,
  options: PageOptions,
): Promise<DocumentPage> {
  const keys = (Object.keys(CONDITIONS) as (keyof DocumentFilter)[]).filter(
    (key) => filter[key] !== undefined,
  );
  const conditions = keys.map((key) => ` AND ${CONDITIONS[key]}`).join('');
  const values = Object.fromEntries(keys.map((key) => [key, filter[key] as string]));
  const files = index.documents.filter(({ end }) => end > options.after + 1);
  const rows: DocumentRow[] = [];
  for (let start = 0; start < files.length;) {
    const count = filesOfStatement(files, start);
    const group = files.slice(start, start + count);
    // One row more than the page has, to know whether something follows.
    const wanted = options.limit - rows.length + 1;
    const found = await readRows(
      connection,
      index,
      `SELECT ${LISTED} FROM ${parquetOf(index, group)} WHERE "ordinal" > ${options.after}${conditions} ORDER BY "ordinal" LIMIT ${wanted}`,
      values,
    );
    rows.push(...found);
    if (rows.length > options.limit) {
      const shown = rows.slice(0, options.limit);
      return { rows: shown, next: shown[shown.length - 1]['ordinal'] as number };
    }
    start += count;
    if (start < files.length && performance.now() >= options.deadline)
      return { rows, next: group[group.length - 1].end - 1 };
  }
  return { rows, next: null };
}

function filesOfStatement(files: readonly DocumentsFile[], start: number): number {
  let count = 0;
  for (let rows = 0; start + count < files.length && rows < ROWS_PER_STATEMENT; count++)
    rows += files[start + count].rows;
  return count;
}

/** A document as it was found: every column, signals included, and where its record is read from. */
export interface FoundDocument {
  readonly dataset: string;
  readonly row: DocumentRow;
  readonly source: SourcePlace;
}

/**
 * The one document whose id begins with `id`, in any of the datasets.
 * @throws TokenmillError DOCUMENT_NOT_FOUND where there is none or more than one, USAGE where `id` is no part of an id
 */
export async function findDocument(
  connection: DuckDBConnection,
  indexes: readonly DatasetIndex[],
  id: string,
): Promise<FoundDocument> {
  if (!/^[0-9a-f]{1,32}$/.test(id)) {
    throw new TokenmillError('USAGE', `${id} is not the beginning of a document id (hexadecimal digits)`);
  }
  const found: FoundDocument[] = [];
  for (const index of indexes) {
    if (index.documents.length === 0) continue;
    const rows = await readRows(
      connection,
      index,
      `SELECT * FROM ${parquetOf(index, index.documents)} WHERE ${id.length === 32 ? 'document_id = $id' : 'starts_with(document_id, $id)'} ORDER BY "ordinal" LIMIT 2`,
      { id },
    );
    for (const row of rows) {
      const source = index.sources.get(row['source'] as string);
      if (source === undefined) throw corrupt(index, `no commit names the source ${row['source']}`);
      found.push({ dataset: index.paths.name, row, source });
    }
  }
  if (found.length === 1) return found[0];
  if (found.length === 0) {
    throw new TokenmillError('DOCUMENT_NOT_FOUND', `no document's id begins with ${id}`, {
      hint: 'list them with: tokenmill query "select document_id, url from documents"',
    });
  }
  throw new TokenmillError('DOCUMENT_NOT_FOUND', `several documents' ids begin with ${id}`, {
    hint: 'give more digits',
  });
}

function parquetOf(index: DatasetIndex, files: readonly DocumentsFile[]): string {
  const paths = files.map(({ path }) => quoteText(join(index.paths.folder, path)));
  return `read_parquet([${paths.join(', ')}], union_by_name = true)`;
}

async function readRows(
  connection: DuckDBConnection,
  index: DatasetIndex,
  sql: string,
  values: Record<string, DuckDBValue>,
): Promise<DocumentRow[]> {
  let found;
  try {
    found = await connection.runAndReadAll(sql, values);
  } catch (error) {
    const message = (error as Error).message;
    if (message.startsWith('INTERRUPT'))
      throw new TokenmillError('INTERRUPTED', 'the search was stopped', { cause: error });
    throw corrupt(index, message, error);
  }
  return found.getRowObjects().map((row) => {
    const entries = Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? Number(value) : value,
    ]);
    return Object.fromEntries(entries) as DocumentRow;
  });
}

function corrupt(index: DatasetIndex, problem: string, cause?: unknown): TokenmillError {
  return new TokenmillError(
    'DATASET_CORRUPT',
    `the documents of ${index.paths.name} cannot be read: ${problem}`,
    {
      place: { file: index.paths.documents },
      hint: 'restore the file from a copy, or ingest into a new dataset',
      cause,
    },
  );
}
