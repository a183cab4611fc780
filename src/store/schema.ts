/**
 * Columns of the tables that Tokenmill writes, with their DuckDB types.
 *
 * A documents file holds the core columns in this order, then the signal columns, which are the filters' business.
 * Units: offsets and lengths are bytes, `measured` has the unit of the signal that `reason` names.
 */
import { TokenmillError } from '../core/errors.js';

export interface Column {
  readonly name: string;
  /** A DuckDB type name. */
  readonly type: string;
}

/** Core columns of `documents`: a row is a document that was seen, kept or not. */
export const documentColumns: readonly Column[] = [
  { name: 'ordinal', type: 'BIGINT' },
  { name: 'document_id', type: 'VARCHAR' },
  { name: 'source', type: 'VARCHAR' },
  { name: 'offset', type: 'BIGINT' },
  { name: 'length', type: 'BIGINT' },
  // 'file': offset and length count bytes of the file itself; 'content': bytes of its decompressed content.
  { name: 'space', type: 'VARCHAR' },
  { name: 'url', type: 'VARCHAR' },
  { name: 'date', type: 'VARCHAR' },
  { name: 'title', type: 'VARCHAR' },
  // What a page says of itself; robots are its directives and those of its HTTP header.
  { name: 'author', type: 'VARCHAR' },
  { name: 'published', type: 'VARCHAR' },
  { name: 'site_name', type: 'VARCHAR' },
  { name: 'canonical_url', type: 'VARCHAR' },
  { name: 'robots', type: 'VARCHAR' },
  { name: 'mime', type: 'VARCHAR' },
  { name: 'charset', type: 'VARCHAR' },
  { name: 'declared_language', type: 'VARCHAR' },
  { name: 'language', type: 'VARCHAR' },
  { name: 'language_score', type: 'DOUBLE' },
  { name: 'text_hash', type: 'VARCHAR' },
  { name: 'verdict', type: 'VARCHAR' },
  { name: 'reason', type: 'VARCHAR' },
  { name: 'measured', type: 'DOUBLE' },
  { name: 'duplicate_of', type: 'VARCHAR' },
  { name: 'jaccard', type: 'DOUBLE' },
  { name: 'split', type: 'VARCHAR' },
  { name: 'tokens', type: 'BIGINT' },
  { name: 'text', type: 'VARCHAR' },
];

/**
 * Columns of a signature file: a row is a document that passed the policy. Hashes are null where the dataset does not
 * use that key, shingles where it does not verify.
 */
export const signatureColumns: readonly Column[] = [
  { name: 'ordinal', type: 'BIGINT' },
  { name: 'document_id', type: 'VARCHAR' },
  { name: 'text_hash', type: 'VARCHAR' },
  { name: 'payload_hash', type: 'VARCHAR' },
  { name: 'url_hash', type: 'VARCHAR' },
  { name: 'bands', type: 'UBIGINT[]' },
  { name: 'minhashes', type: 'UINTEGER[]' },
  { name: 'shingles', type: 'UBIGINT[]' },
];

/** Leads every view: the dataset that a row belongs to. */
export const DATASET_COLUMN: Column = { name: 'dataset', type: 'VARCHAR' };

/** Columns of the `commits` table; the counters are those of the one commit, and `counts` has all of them. */
export const commitColumns: readonly Column[] = [
  DATASET_COLUMN,
  { name: 'sequence', type: 'BIGINT' },
  { name: 'records', type: 'BIGINT' },
  { name: 'documents', type: 'BIGINT' },
  { name: 'non_documents', type: 'BIGINT' },
  { name: 'kept', type: 'BIGINT' },
  { name: 'dropped', type: 'BIGINT' },
  { name: 'duplicates', type: 'BIGINT' },
  { name: 'bad', type: 'BIGINT' },
  { name: 'tokens', type: 'BIGINT' },
  { name: 'tokenizer_sha256', type: 'VARCHAR' },
  { name: 'counts', type: 'JSON' },
];

/**
 * Columns of the `verdicts` table: what became of the documents of a commit. `reason` is null where they were kept, and
 * only then they have tokens.
 */
export const verdictColumns: readonly Column[] = [
  DATASET_COLUMN,
  { name: 'commit', type: 'BIGINT' },
  { name: 'verdict', type: 'VARCHAR' },
  { name: 'reason', type: 'VARCHAR' },
  { name: 'documents', type: 'BIGINT' },
  { name: 'tokens', type: 'BIGINT' },
];

/** Columns of the `sources` table: how far each source has been read. */
export const sourceColumns: readonly Column[] = [
  DATASET_COLUMN,
  { name: 'source', type: 'VARCHAR' },
  { name: 'location', type: 'VARCHAR' },
  { name: 'size', type: 'BIGINT' },
  { name: 'modified_ms', type: 'DOUBLE' },
  { name: 'format', type: 'VARCHAR' },
  { name: 'layout', type: 'JSON' },
  { name: 'finished', type: 'BOOLEAN' },
  { name: 'records', type: 'BIGINT' },
  { name: 'documents', type: 'BIGINT' },
  { name: 'non_documents', type: 'BIGINT' },
  { name: 'bad', type: 'BIGINT' },
];

/** Columns of the `bad_records` table: records that could not be used, and why. */
export const badRecordColumns: readonly Column[] = [
  DATASET_COLUMN,
  { name: 'commit', type: 'BIGINT' },
  { name: 'source', type: 'VARCHAR' },
  { name: 'space', type: 'VARCHAR' },
  { name: 'offset', type: 'BIGINT' },
  { name: 'length', type: 'BIGINT' },
  { name: 'reason', type: 'VARCHAR' },
  { name: 'detail', type: 'VARCHAR' },
];

/** Columns of the `shards` table. `path` is relative to the dataset's folder. */
export const shardColumns: readonly Column[] = [
  DATASET_COLUMN,
  { name: 'name', type: 'VARCHAR' },
  { name: 'path', type: 'VARCHAR' },
  { name: 'split', type: 'VARCHAR' },
  { name: 'rows', type: 'BIGINT' },
  { name: 'tokens', type: 'BIGINT' },
  { name: 'bytes', type: 'BIGINT' },
  { name: 'sha256', type: 'VARCHAR' },
  { name: 'commit', type: 'BIGINT' },
];

/** Columns of the `queue` table. `deadline` is when a lease ends, UTC. */
export const queueColumns: readonly Column[] = [
  DATASET_COLUMN,
  { name: 'name', type: 'VARCHAR' },
  { name: 'state', type: 'VARCHAR' },
  { name: 'attempts', type: 'BIGINT' },
  { name: 'tokens', type: 'BIGINT' },
  { name: 'owner', type: 'VARCHAR' },
  { name: 'deadline', type: 'TIMESTAMP' },
  { name: 'reason', type: 'VARCHAR' },
];

/** Columns of the `rules` table: the rules of each dataset's policy, in the order in which they are asked, from 1. */
export const ruleColumns: readonly Column[] = [
  DATASET_COLUMN,
  { name: 'position', type: 'BIGINT' },
  { name: 'rule', type: 'VARCHAR' },
];

/** Columns of a run's `metrics.jsonl`, which the `training` view reads; `run` is the name of its folder. */
export const metricColumns: readonly Column[] = [
  { name: 'step', type: 'BIGINT' },
  { name: 'loss', type: 'DOUBLE' },
  { name: 'validation_loss', type: 'DOUBLE' },
  { name: 'learning_rate', type: 'DOUBLE' },
  { name: 'gradient_norm', type: 'DOUBLE' },
  { name: 'tokens', type: 'BIGINT' },
  { name: 'bits_per_byte', type: 'DOUBLE' },
  { name: 'tokens_per_second', type: 'DOUBLE' },
];

/** Columns of a run's `consumed.jsonl`, which the `training_tokens` view reads: what a step was trained on. */
export const consumedColumns: readonly Column[] = [
  { name: 'step', type: 'BIGINT' },
  DATASET_COLUMN,
  { name: 'shard', type: 'VARCHAR' },
  { name: 'epoch', type: 'BIGINT' },
  { name: 'first_token', type: 'BIGINT' },
  { name: 'tokens', type: 'BIGINT' },
];

/**
 * Joins column lists into one. DuckDB compares names without case, and so does this.
 * @throws TokenmillError INTERNAL where two columns have one name
 */
export function joinColumns(...lists: readonly (readonly Column[])[]): Column[] {
  const columns = lists.flat();
  const seen = new Set<string>();
  for (const { name } of columns) {
    const key = name.toLowerCase();
    if (seen.has(key)) throw new TokenmillError('INTERNAL', `two columns have the name ${name}`);
    seen.add(key);
  }
  return columns;
}

/** A name as a SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a SQL literal. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A query of no rows that has these columns and types. */
export function emptySelect(columns: readonly Column[]): string {
  const items = columns.map(({ name, type }) => `NULL::${type} AS ${quoteName(name)}`);
  return `SELECT ${items.join(', ')} WHERE false`;
}
