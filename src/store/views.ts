/**
 * What SQL sees of a workspace: views over the committed files of all datasets, or of one.
 *
 * Invariant: a view shows a state of the commit log as of `createViews`, whole commits only; files that no commit
 * names are invisible. `documents`, `signatures` and `training` read their files when they are queried; `commits`,
 * `sources`, `bad_records`, `shards` and `queue` are small and copied.
 */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  DuckDBTimestampValue,
  TIMESTAMP,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
} from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { listFolder } from '../core/files.js';
import { appendColumns } from './append.js';
import { latestSources, readCommits, type Commit } from './commits.js';
import { Queue } from './queue.js';
import {
  badRecordColumns,
  commitColumns,
  DATASET_COLUMN,
  documentColumns,
  emptySelect,
  joinColumns,
  metricColumns,
  queueColumns,
  quoteName,
  quoteText,
  shardColumns,
  sourceColumns,
  type Column,
} from './schema.js';
import type { DatasetPaths, Workspace } from './workspace.js';

/** Every view, for hints and documentation. */
export const VIEWS = [
  'documents',
  'signatures',
  'commits',
  'sources',
  'bad_records',
  'shards',
  'queue',
  'training',
] as const;

/** Name of the file in a run's folder that the `training` view reads: one JSON object a line. */
export const METRICS_FILE = 'metrics.jsonl';

export interface ViewOptions {
  /** Only this dataset. Runs are shown all the same: they belong to no dataset. */
  readonly dataset?: string;
  /** Signal columns of `documents`, so that they exist also where there is no file yet. */
  readonly signals?: readonly Column[];
  /** Columns of `signatures`, likewise. */
  readonly signatures?: readonly Column[];
}

interface DatasetLog {
  readonly paths: DatasetPaths;
  readonly commits: readonly Commit[];
}

/**
 * Creates or replaces the views.
 * @throws TokenmillError DATASET_NOT_FOUND, DATASET_CORRUPT where a committed file is missing, cut off or not readable
 */
export async function createViews(
  connection: DuckDBConnection,
  workspace: Workspace,
  options: ViewOptions = {},
): Promise<void> {
  const logs = await readLogs(workspace, options.dataset);
  const documents = joinColumns([DATASET_COLUMN], documentColumns, options.signals ?? []);
  await createFileView(connection, 'documents', documents, logs);
  await createFileView(
    connection,
    'signatures',
    joinColumns([DATASET_COLUMN], options.signatures ?? []),
    logs,
  );
  await createTable(connection, 'commits', commitColumns, logs.flatMap(commitRows));
  await createTable(connection, 'sources', sourceColumns, logs.flatMap(sourceRows));
  await createTable(connection, 'bad_records', badRecordColumns, logs.flatMap(badRecordRows));
  await createTable(connection, 'shards', shardColumns, logs.flatMap(shardRows));
  const queues = await Promise.all(logs.map(({ paths }) => queueRows(paths)));
  await createTable(connection, 'queue', queueColumns, queues.flat());
  await createTrainingView(connection, workspace);
}

async function readLogs(workspace: Workspace, dataset: string | undefined): Promise<DatasetLog[]> {
  // Reading its configuration says whether the dataset exists, with a hint where it does not.
  if (dataset !== undefined) await workspace.readDatasetConfig(dataset);
  const names = dataset === undefined ? await workspace.listDatasets() : [dataset];
  return Promise.all(
    names.map(async (name) => {
      const paths = workspace.dataset(name);
      return { paths, commits: await readCommits(paths) };
    }),
  );
}

/** A view over Parquet files: the columns given, whatever the files lack, then any others that they have. */
async function createFileView(
  connection: DuckDBConnection,
  kind: 'documents' | 'signatures',
  columns: readonly Column[],
  logs: readonly DatasetLog[],
): Promise<void> {
  const selects = [emptySelect(columns)];
  for (const { paths, commits } of logs) {
    const files: string[] = [];
    for (const file of commits.flatMap((commit) => commit.files)) {
      if (file.kind === kind) files.push(await checkedPath(paths, file));
    }
    if (files.length === 0) continue;
    const list = files.map(quoteText).join(', ');
    selects.push(
      `SELECT ${quoteText(paths.name)} AS dataset, * FROM read_parquet([${list}], union_by_name = true)`,
    );
  }
  try {
    await connection.run(`CREATE OR REPLACE VIEW ${kind} AS ${selects.join('\nUNION ALL BY NAME\n')}`);
  } catch (error) {
    // Creating the view reads the footer of every file.
    throw new TokenmillError('DATASET_CORRUPT', `${kind} cannot be read: ${(error as Error).message}`, {
      hint: 'restore the file from a copy, or ingest into a new dataset',
      cause: error,
    });
  }
}

async function checkedPath(paths: DatasetPaths, file: { path: string; bytes: number }): Promise<string> {
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
    hint: 'restore the file from a copy, or ingest into a new dataset',
  });
}

type Row = Readonly<Record<string, unknown>>;

const VALUE_TYPES: Record<string, DuckDBType> = {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  TIMESTAMP,
  VARCHAR,
  // A text to the engine; the type is its name.
  JSON: VARCHAR,
};

async function createTable(
  connection: DuckDBConnection,
  name: string,
  columns: readonly Column[],
  rows: readonly Row[],
): Promise<void> {
  await connection.run(`CREATE OR REPLACE TABLE ${name} AS ${emptySelect(columns)}`);
  if (rows.length === 0) return;
  const values = columns.map((column) => ({
    type: VALUE_TYPES[column.type],
    values: rows.map((row) => toColumn(row[column.name] ?? null, column.type)),
  }));
  await appendColumns(connection, name, values);
}

function toColumn(value: unknown, type: string): unknown {
  if (value === null) return null;
  if (type === 'BIGINT') return BigInt(value as number);
  if (type === 'TIMESTAMP') return new DuckDBTimestampValue(BigInt(value as number) * 1000n);
  if (type === 'JSON') return JSON.stringify(value);
  return value;
}

/** Counters of the documents that were dropped for being like an earlier one. */
const DUPLICATE_COUNTERS = ['exact', 'payload', 'url', 'near'].map((kind) => `dropped.${kind}_duplicate`);

/** A counter that a commit does not have is 0: nothing of the kind was seen. */
function commitRows({ paths, commits }: DatasetLog): Row[] {
  const counters = commitColumns.filter(({ type }) => type === 'BIGINT').map(({ name }) => [name, 0]);
  return commits.map(({ sequence, counts, tokenizer }) => ({
    ...Object.fromEntries(counters),
    ...counts,
    dataset: paths.name,
    sequence,
    duplicates: DUPLICATE_COUNTERS.reduce((sum, name) => sum + (counts[name] ?? 0), 0),
    tokenizer_sha256: tokenizer?.sha256,
    counts,
  }));
}

function sourceRows({ paths, commits }: DatasetLog): Row[] {
  return latestSources(commits).map((source) => ({ ...source, dataset: paths.name }));
}

function badRecordRows({ paths, commits }: DatasetLog): Row[] {
  return commits.flatMap(({ sequence, bad_records }) =>
    bad_records.map((record) => ({ ...record, dataset: paths.name, commit: sequence })),
  );
}

function shardRows({ paths, commits }: DatasetLog): Row[] {
  return commits.flatMap(({ sequence, files }) =>
    files
      .filter(({ kind }) => kind === 'shard')
      .map((file) => ({
        ...file,
        dataset: paths.name,
        name: file.path.replace(/^shards\/|\.arrow$/g, ''),
        commit: sequence,
      })),
  );
}

async function queueRows(paths: DatasetPaths): Promise<Row[]> {
  const entries = await new Queue(paths.queue).list();
  return entries.map((entry) => ({ ...entry, dataset: paths.name }));
}

async function createTrainingView(connection: DuckDBConnection, workspace: Workspace): Promise<void> {
  const runColumn: Column = { name: 'run', type: 'VARCHAR' };
  const selects = [emptySelect(joinColumns([runColumn], metricColumns))];
  const types = metricColumns.map(({ name, type }) => `${quoteName(name)}: ${quoteText(type)}`).join(', ');
  for (const run of await listFolder(workspace.models)) {
    const file = join(workspace.models, run, METRICS_FILE);
    if (!existsSync(file)) continue;
    // A run that is being written may end in half a line, which reads as a row of NULL.
    selects.push(
      `SELECT ${quoteText(run)} AS run, * FROM read_json(${quoteText(file)}, format = 'newline_delimited', ignore_errors = true, columns = {${types}}) WHERE step IS NOT NULL`,
    );
  }
  await connection.run(`CREATE OR REPLACE VIEW training AS ${selects.join('\nUNION ALL BY NAME\n')}`);
}
