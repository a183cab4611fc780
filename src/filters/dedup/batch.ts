/**
 * The first-wins join over a whole set of signatures at once, in SQL (`sql/dedup`): all keys in one pass, or partition by
 * partition, as the machines of a cluster would do it. The answers are those of `DedupIndex` for the same documents.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { readSql } from '../../core/paths.js';
import type { Duplicate } from './dedup-index.js';

const SQL = {
  candidates: readSql('dedup/candidates.sql'),
  duplicates: readSql('dedup/duplicates.sql'),
} as const;

export interface BatchOptions {
  /** Table, view or `read_parquet(...)` of signatures: SQL that stands behind FROM. */
  readonly source: string;
  /** Parts that the keys are taken in; default 1. Each needs memory for its own keys only. */
  readonly partitions?: number;
  readonly verify?: number;
}

/** The duplicates among all documents of the source, in order. */
export async function dedupBatch(
  connection: DuckDBConnection,
  { source, partitions = 1, verify }: BatchOptions,
): Promise<Duplicate[]> {
  await findCandidates(connection, source, partitions);
  const result = await connection.runAndReadAll(SQL.duplicates, { verify: verify ?? null });
  return result.getRows().map(([ordinal, reason, duplicateOfOrdinal, duplicateOf, jaccard]) => ({
    ordinal: Number(ordinal),
    reason: reason as Duplicate['reason'],
    duplicateOfOrdinal: Number(duplicateOfOrdinal),
    duplicateOf: duplicateOf as string,
    jaccard: Number(jaccard),
  }));
}

/**
 * Fills temporary table `dedup_candidates` (ordinal BIGINT, kind TINYINT, first BIGINT): pairs of a document and the
 * first one with a key of it. They are the edges along which documents are connected.
 */
export async function findCandidates(
  connection: DuckDBConnection,
  source: string,
  partitions = 1,
): Promise<void> {
  await connection.run(`CREATE OR REPLACE TEMP VIEW dedup_documents AS SELECT * FROM ${source}`);
  await connection.run(
    'CREATE OR REPLACE TEMP TABLE dedup_candidates (ordinal BIGINT, kind TINYINT, first BIGINT)',
  );
  for (let partition = 0; partition < partitions; partition++) {
    await connection.run(SQL.candidates, { partition, partitions });
  }
}
