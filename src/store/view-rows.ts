/**
 * Rows of the views that are copied out of the commit log and the queue: `commits`, `verdicts`, `sources`, `bad_records`,
 * `shards`, `queue`, `rules`.
 */
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
import { appendColumns } from './append.js';
import type { Commit, SourceProgress } from './commits.js';
import { Queue } from './queue.js';
import { commitColumns, type Column } from './schema.js';
import type { DatasetPaths } from './workspace.js';

export type Row = Readonly<Record<string, unknown>>;

const VALUE_TYPES: Record<string, DuckDBType> = {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  TIMESTAMP,
  VARCHAR,
  // A text to the engine; the type is its name.
  JSON: VARCHAR,
};

/** Appends rows to a table that has these columns. */
export async function appendRows(
  connection: DuckDBConnection,
  table: string,
  columns: readonly Column[],
  rows: readonly Row[],
): Promise<void> {
  if (rows.length === 0) return;
  const values = columns.map((column) => ({
    type: VALUE_TYPES[column.type],
    values: rows.map((row) => toColumn(row[column.name] ?? null, column.type)),
  }));
  await appendColumns(connection, table, values);
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
export function commitRows(dataset: string, commits: readonly Commit[]): Row[] {
  const counters = commitColumns.filter(({ type }) => type === 'BIGINT').map(({ name }) => [name, 0]);
  return commits.map(({ sequence, counts, tokenizer }) => ({
    ...Object.fromEntries(counters),
    ...counts,
    dataset,
    sequence,
    duplicates: DUPLICATE_COUNTERS.reduce((sum, name) => sum + (counts[name] ?? 0), 0),
    tokenizer_sha256: tokenizer?.sha256,
    counts,
  }));
}

const DROPPED = 'dropped.';

/** A row for the kept documents of a commit, and one for each reason why others were dropped. */
export function verdictRows(dataset: string, commits: readonly Commit[]): Row[] {
  return commits.flatMap(({ sequence, counts }) => {
    const row = (verdict: string, reason: string | null, documents: number, tokens: number | null): Row => ({
      dataset,
      commit: sequence,
      verdict,
      reason,
      documents,
      tokens,
    });
    const rows = Object.entries(counts)
      .filter(([name]) => name.startsWith(DROPPED))
      .map(([name, documents]) => row('drop', name.slice(DROPPED.length), documents, null));
    const kept = counts['kept'] ?? 0;
    return kept === 0 ? rows : [row('keep', null, kept, counts['tokens'] ?? null), ...rows];
  });
}

export function sourceRows(dataset: string, sources: readonly SourceProgress[]): Row[] {
  return sources.map((source) => ({ ...source, dataset }));
}

export function badRecordRows(dataset: string, commits: readonly Commit[]): Row[] {
  return commits.flatMap(({ sequence, bad_records }) =>
    bad_records.map((record) => ({ ...record, dataset, commit: sequence })),
  );
}

export function shardRows(dataset: string, commits: readonly Commit[]): Row[] {
  return commits.flatMap(({ sequence, files }) =>
    files
      .filter(({ kind }) => kind === 'shard')
      .map((file) => ({
        ...file,
        dataset,
        name: file.path.replace(/^shards\/|\.arrow$/g, ''),
        commit: sequence,
      })),
  );
}

export function ruleRows(dataset: string, rules: readonly string[]): Row[] {
  return rules.map((rule, i) => ({ dataset, position: i + 1, rule }));
}

export async function queueRows(paths: DatasetPaths): Promise<Row[]> {
  const entries = await new Queue(paths.queue).list();
  return entries.map((entry) => ({ ...entry, dataset: paths.name }));
}
