/**
 * Documents between two commits, in DuckDB tables: measured rows come in, verdicts and duplicates are decided in
 * SQL, the files of the commit go out.
 *
 * Tables: `measured` (this window, undecided), `decided` (all documents since the last commit, with verdicts),
 * `passing` (signatures of those that the policy passed), `kept` (ordinal, text, split, tokens).
 * Invariant: what is decided about a document depends on it and on earlier documents only, never on where a window ends.
 */
import { BIGINT, BOOLEAN, DOUBLE, VARCHAR, type DuckDBConnection, type DuckDBType } from '@duckdb/node-api';
import { DedupIndex, type DedupDocument, type Duplicate } from '../filters/dedup/dedup-index.js';
import { appendSignatures, createSignatureTable, writeSignatures } from '../filters/dedup/signatures.js';
import { applyPolicy, type Policy } from '../filters/policy.js';
import { SIGNALS } from '../filters/signals/index.js';
import { appendColumns } from '../store/append.js';
import { documentColumns } from '../store/schema.js';
import type { Split } from './document.js';
import type { MeasuredDocument } from './measure.js';
import type { Space } from './records.js';

export interface WindowDocument {
  readonly ordinal: number;
  readonly id: string;
  readonly source: string;
  readonly offset: number;
  readonly length: number;
  readonly space: Space;
  readonly measured: MeasuredDocument;
}

export interface KeptDocument {
  readonly ordinal: number;
  readonly id: string;
  readonly split: Split;
  readonly text: Uint8Array;
  readonly tokens: number;
}

/** One row of the account of a window: how many documents had this verdict and reason. */
export interface VerdictCount {
  readonly verdict: 'keep' | 'drop';
  readonly reason: string | null;
  readonly documents: number;
}

interface Column {
  readonly name: string;
  readonly type: DuckDBType;
  readonly value: (document: WindowDocument) => unknown;
}

const SQL_TYPES: Record<string, DuckDBType> = { BIGINT, DOUBLE, VARCHAR, BOOLEAN };

/** Columns that are known before any verdict. */
const MEASURED_COLUMNS: readonly Column[] = [
  { name: 'ordinal', type: BIGINT, value: (d) => BigInt(d.ordinal) },
  { name: 'document_id', type: VARCHAR, value: (d) => d.id },
  { name: 'source', type: VARCHAR, value: (d) => d.source },
  { name: 'offset', type: BIGINT, value: (d) => BigInt(d.offset) },
  { name: 'length', type: BIGINT, value: (d) => BigInt(d.length) },
  { name: 'space', type: VARCHAR, value: (d) => d.space },
  { name: 'url', type: VARCHAR, value: (d) => d.measured.url },
  { name: 'date', type: VARCHAR, value: (d) => d.measured.date },
  { name: 'title', type: VARCHAR, value: (d) => d.measured.title },
  { name: 'author', type: VARCHAR, value: (d) => d.measured.page?.author ?? null },
  { name: 'published', type: VARCHAR, value: (d) => d.measured.page?.published ?? null },
  { name: 'site_name', type: VARCHAR, value: (d) => d.measured.page?.siteName ?? null },
  { name: 'canonical_url', type: VARCHAR, value: (d) => d.measured.page?.canonicalUrl ?? null },
  { name: 'robots', type: VARCHAR, value: (d) => d.measured.page?.robots ?? null },
  { name: 'mime', type: VARCHAR, value: (d) => d.measured.mime },
  { name: 'charset', type: VARCHAR, value: (d) => d.measured.charset },
  { name: 'declared_language', type: VARCHAR, value: (d) => d.measured.declaredLanguage },
  { name: 'language', type: VARCHAR, value: (d) => d.measured.language },
  { name: 'language_score', type: DOUBLE, value: (d) => d.measured.languageScore },
  { name: 'text_hash', type: VARCHAR, value: (d) => d.measured.textHash },
  ...SIGNALS.map((signal, index): Column => ({
    name: signal.name,
    type: SQL_TYPES[signal.type],
    value:
      signal.type === 'BIGINT'
        ? (d) => BigInt(d.measured.signals[index] as number)
        : (d) => d.measured.signals[index],
  })),
];

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
const createTable = (name: string, columns: readonly { name: string; type: DuckDBType | string }[]): string =>
  `CREATE OR REPLACE TABLE ${name} (${columns.map((column) => `"${column.name}" ${String(column.type)}`).join(', ')})`;

const DECISION_COLUMNS = [
  { name: 'verdict', type: 'VARCHAR' },
  { name: 'reason', type: 'VARCHAR' },
  { name: 'measured', type: 'DOUBLE' },
  { name: 'duplicate_of', type: 'VARCHAR' },
  { name: 'jaccard', type: 'DOUBLE' },
] as const;

const DUPLICATE_COLUMNS = [
  { name: 'ordinal', type: BIGINT },
  { name: 'reason', type: VARCHAR },
  { name: 'duplicate_of', type: VARCHAR },
  { name: 'jaccard', type: DOUBLE },
] as const;

export class WindowStore {
  private readonly connection: DuckDBConnection;
  private readonly policy: Policy;
  private readonly index: DedupIndex;

  private constructor(connection: DuckDBConnection, policy: Policy, index: DedupIndex) {
    this.connection = connection;
    this.policy = policy;
    this.index = index;
  }

  /** @param index has the documents of earlier commits */
  static async create(connection: DuckDBConnection, policy: Policy, index: DedupIndex): Promise<WindowStore> {
    const store = new WindowStore(connection, policy, index);
    await connection.run(createTable('measured', MEASURED_COLUMNS));
    await connection.run(
      `CREATE OR REPLACE VIEW window_signals AS SELECT ${quoted(['ordinal', 'url', 'language', 'language_score', ...SIGNALS.map(({ name }) => name)])} FROM measured`,
    );
    await store.clear();
    return store;
  }

  /** Empties the tables of what was committed. */
  async clear(): Promise<void> {
    await this.connection.run(createTable('decided', [...MEASURED_COLUMNS, ...DECISION_COLUMNS]));
    await createSignatureTable(this.connection, 'passing');
    await this.connection.run(
      'CREATE OR REPLACE TABLE kept (ordinal BIGINT, split VARCHAR, tokens BIGINT, text VARCHAR)',
    );
  }

  /** Decides about the documents of a window, in order. Returns the account and the ordinals that are kept. */
  async decide(documents: readonly WindowDocument[]): Promise<{ counts: VerdictCount[]; kept: Set<number> }> {
    const { connection } = this;
    // Not DELETE: DuckDB keeps the memory of deleted rows of a table in memory.
    await connection.run(createTable('measured', MEASURED_COLUMNS));
    await appendColumns(
      connection,
      'measured',
      MEASURED_COLUMNS.map(({ type, value }) => ({ type, values: documents.map(value) })),
    );
    await applyPolicy(connection, this.policy, { signalsTable: 'window_signals', verdictsTable: 'verdicts' });
    const passing = await this.passing(documents);
    await this.fillDuplicates(this.index.resolve(passing));
    await connection.run(`
      CREATE OR REPLACE TABLE window_decided AS
      SELECT ${MEASURED_COLUMNS.map(({ name }) => `m."${name}"`).join(', ')},
             CASE WHEN d.ordinal IS NULL THEN v.verdict ELSE 'drop' END AS verdict,
             coalesce(d.reason, v.reason) AS reason,
             coalesce(d.jaccard, v.measured) AS measured,
             d.duplicate_of, d.jaccard
      FROM measured m JOIN verdicts v USING (ordinal) LEFT JOIN duplicates d USING (ordinal)
      ORDER BY ordinal`);
    await connection.run('INSERT INTO decided SELECT * FROM window_decided');
    await appendSignatures(connection, 'passing', passing);
    const counts = await connection.runAndReadAll(
      'SELECT verdict, reason, count(*)::DOUBLE FROM window_decided GROUP BY ALL ORDER BY ALL',
    );
    const kept = await connection.runAndReadAll(
      `SELECT ordinal::DOUBLE FROM window_decided WHERE verdict = 'keep'`,
    );
    return {
      counts: counts.getRows().map(([verdict, reason, count]) => ({
        verdict: verdict as 'keep' | 'drop',
        reason: reason as string | null,
        documents: Number(count),
      })),
      kept: new Set(kept.getRows().map(([ordinal]) => Number(ordinal))),
    };
  }

  /** The documents that the policy keeps. */
  private async passing(documents: readonly WindowDocument[]): Promise<DedupDocument[]> {
    const result = await this.connection.runAndReadAll(
      `SELECT ordinal::DOUBLE FROM verdicts WHERE verdict = 'keep'`,
    );
    const ordinals = new Set(result.getRows().map(([ordinal]) => ordinal));
    return documents
      .filter(({ ordinal }) => ordinals.has(ordinal))
      .map(({ ordinal, id, measured }) => ({ ordinal, id, ...measured.dedup }));
  }

  private async fillDuplicates(duplicates: readonly Duplicate[]): Promise<void> {
    await this.connection.run(createTable('duplicates', DUPLICATE_COLUMNS));
    const values: readonly (readonly unknown[])[] = [
      duplicates.map(({ ordinal }) => BigInt(ordinal)),
      duplicates.map(({ reason }) => reason),
      duplicates.map(({ duplicateOf }) => duplicateOf),
      duplicates.map(({ jaccard }) => jaccard),
    ];
    await appendColumns(
      this.connection,
      'duplicates',
      DUPLICATE_COLUMNS.map(({ type }, i) => ({ type, values: values[i] })),
    );
  }

  /** Adds texts and token counts of kept documents. */
  async addKept(documents: readonly KeptDocument[]): Promise<void> {
    const decoder = new TextDecoder();
    await appendColumns(this.connection, 'kept', [
      { type: BIGINT, values: documents.map((document) => BigInt(document.ordinal)) },
      { type: VARCHAR, values: documents.map((document) => document.split) },
      { type: BIGINT, values: documents.map((document) => BigInt(document.tokens)) },
      { type: VARCHAR, values: documents.map((document) => decoder.decode(document.text)) },
    ]);
  }

  /** Writes the rows of all documents since the last commit, in order. */
  async writeDocuments(path: string): Promise<void> {
    const source = (name: string): string =>
      name === 'split' || name === 'tokens' || name === 'text' ? `k."${name}"` : `d."${name}"`;
    const columns = [...documentColumns.map(({ name }) => name), ...SIGNALS.map(({ name }) => name)];
    await this.connection.run(
      `COPY (SELECT ${columns.map(source).join(', ')} FROM decided d LEFT JOIN kept k USING (ordinal) ORDER BY d.ordinal) TO '${path.replaceAll("'", "''")}' (FORMAT parquet, COMPRESSION zstd)`,
    );
  }

  /** Writes the signatures of the documents that passed the policy. */
  async writeSignatures(path: string): Promise<void> {
    await writeSignatures(this.connection, 'passing', path);
  }

  /** How many documents passed the policy since the last commit. */
  async countPassing(): Promise<number> {
    const result = await this.connection.runAndReadAll('SELECT count(*)::DOUBLE FROM passing');
    return Number(result.getRows()[0][0]);
  }
}
