/**
 * A dataset's Parquet files in groups of one schema. Within a group DuckDB needs to open one file to know the columns
 * of all, so that a view over a thousand files costs no more than over one; files of several schemas are joined by name.
 *
 * Invariant: a group's files all have the same columns and types; every file was there, whole and readable, when it
 * was added. Files are immutable, so that holds from then on.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import type { CommittedFile } from './commits.js';
import { quoteText } from './schema.js';
import type { DatasetPaths } from './workspace.js';

/** Paths by a text that stands for the schema, in the order in which files and schemas came. */
export type ParquetGroups = ReadonlyMap<string, readonly string[]>;

/** The columns of Parquet files with all that says their types. */
const SCHEMAS = `SELECT file_name,
  string_agg(concat_ws(' ', name, duckdb_type, type, repetition_type, num_children), chr(10) ORDER BY column_id)
  FROM parquet_schema($1) GROUP BY file_name`;

const DAMAGED_HINT = 'restore the file from a copy, or ingest into a new dataset';

/**
 * The groups with more files in them.
 * @throws TokenmillError DATASET_CORRUPT where a file is missing, cut off or not readable
 */
export async function addParquetFiles(
  connection: DuckDBConnection,
  groups: ParquetGroups,
  paths: DatasetPaths,
  files: readonly CommittedFile[],
): Promise<ParquetGroups> {
  if (files.length === 0) return groups;
  const added = await Promise.all(files.map((file) => checkedPath(paths, file)));
  const schemas = await readSchemas(connection, files[0].kind, added);
  const result = new Map(groups);
  for (const path of added) {
    const schema = schemas.get(path) ?? '';
    result.set(schema, [...(result.get(schema) ?? []), path]);
  }
  return result;
}

async function readSchemas(
  connection: DuckDBConnection,
  kind: string,
  paths: readonly string[],
): Promise<Map<string, string>> {
  const list = `[${paths.map(quoteText).join(', ')}]`;
  try {
    const reader = await connection.runAndReadAll(SCHEMAS.replace('$1', () => list));
    return new Map(reader.getRows().map(([file, columns]) => [String(file), String(columns)]));
  } catch (error) {
    throw new TokenmillError('DATASET_CORRUPT', `${kind} cannot be read: ${(error as Error).message}`, {
      hint: DAMAGED_HINT,
      cause: error,
    });
  }
}

async function checkedPath(paths: DatasetPaths, file: CommittedFile): Promise<string> {
  const path = join(paths.folder, file.path);
  let problem = 'is missing';
  try {
    const { size } = await stat(path);
    if (size === file.bytes) return path;
    problem = `has ${size} bytes, its commit says ${file.bytes}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  throw new TokenmillError('DATASET_CORRUPT', `${path} of dataset ${paths.name} ${problem}`, {
    place: { file: path },
    hint: DAMAGED_HINT,
  });
}

/** Selects over the files, one a group. */
export function parquetSelects(dataset: string, groups: ParquetGroups): string[] {
  return [...groups.values()].map((files) => {
    const list = files.map(quoteText).join(', ');
    return `SELECT ${quoteText(dataset)} AS dataset, * FROM read_parquet([${list}])`;
  });
}
