/**
 * Documents between two commits, in DuckDB tables: measured rows come in, verdicts and duplicates are decided in
 * SQL, the files of the commit go out.
 *
 * Tables: `measured` (this window, undecided), `decided` (all documents since the last commit, with verdicts),
 * `passing` (signatures of those that the policy passed), `kept` (ordinal, text, split, tokens).
 * Invariant: what is decided about a document depends on it and on earlier documents only, never on where a window ends.
 */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  LIST,
  UBIGINT,
  UINTEGER,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
} from '@duckdb/node-api';
import { DedupIndex, writeSignatures } from '../filters/dedup.js';
import { BANDS, PERMUTATIONS } from '../filters/minhash.js';
import { applyPolicy, type Policy } from '../filters/policy.js';
import { SIGNALS } from '../filters/signals/index.js';
import { appendColumns } from '../store/append.js';
import { documentColumns } from '../store/schema.js';
import type { Split } from './document.js';
import type { MeasuredDocument } from './measure.js';

export interface WindowDocument {
  readonly ordinal: number;
  readonly id: string;
  readonly source: string;
  readonly offset: number;
  readonly length: number;
  readonly space: 'file' | 'content';
  readonly measured: MeasuredDocument;
  readonly minhashes: Uint32Array;
  readonly bands: BigUint64Array;
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
  { name: 'mime', type: VARCHAR, value: (d) => d.measured.mime },
  { name: 'charset', type: VARCHAR, value: (d) => d.measured.charset },
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
  { name: 'bands', type: LIST(UBIGINT), value: (d) => d.bands },
  { name: 'minhashes', type: LIST(UINTEGER), value: (d) => d.minhashes },
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

const SIGNATURE_COLUMNS = ['ordinal', 'document_id', 'text_hash', 'bands', 'minhashes'] as const;
/** Columns of `decided`: everything but the signature, which goes to a file of its own. */
const PLAIN_COLUMNS = MEASURED_COLUMNS.filter(({ name }) => name !== 'bands' && name !== 'minhashes');

export class WindowStore {
  private readonly connection: DuckDBConnection;
  private readonly policy: Policy;
  private readonly index: DedupIndex;

  private constructor(connection: DuckDBConnection, policy: Policy, index: DedupIndex) {
    this.connection = connection;
    this.policy = policy;
    this.index = index;
  }

  /** @param signatures signature files of earlier commits, whose documents count as earlier */
  static async create(
    connection: DuckDBConnection,
    policy: Policy,
    signatures: readonly string[],
  ): Promise<WindowStore> {
    const index = await DedupIndex.create(connection);
    await index.load(signatures);
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
    await this.connection.run(createTable('decided', [...PLAIN_COLUMNS, ...DECISION_COLUMNS]));
    await this.connection.run(
      createTable(
        'passing',
        MEASURED_COLUMNS.filter(({ name }) => (SIGNATURE_COLUMNS as readonly string[]).includes(name)),
      ),
    );
    await this.connection.run(
      'CREATE OR REPLACE TABLE kept (ordinal BIGINT, split VARCHAR, tokens BIGINT, text VARCHAR)',
    );
  }

  /** Decides about the documents of a window, in order. Returns the account and the ordinals that are kept. */
  async decide(documents: readonly WindowDocument[]): Promise<{ counts: VerdictCount[]; kept: Set<number> }> {
    const { connection } = this;
    await connection.run('DELETE FROM measured');
    await appendColumns(
      connection,
      'measured',
      MEASURED_COLUMNS.map(({ type, value }) => ({ type, values: documents.map(value) })),
    );
    await applyPolicy(connection, this.policy, { signalsTable: 'window_signals', verdictsTable: 'verdicts' });
    await connection.run(
      `CREATE OR REPLACE TABLE window_passing AS SELECT ${quoted(SIGNATURE_COLUMNS)} FROM measured JOIN verdicts USING (ordinal) WHERE verdict = 'keep' ORDER BY ordinal`,
    );
    await this.index.resolve({ table: 'window_passing', duplicatesTable: 'duplicates' });
    await connection.run(`
      CREATE OR REPLACE TABLE window_decided AS
      SELECT ${PLAIN_COLUMNS.map(({ name }) => `m."${name}"`).join(', ')},
             CASE WHEN d.ordinal IS NULL THEN v.verdict ELSE 'drop' END AS verdict,
             coalesce(d.reason, v.reason) AS reason,
             coalesce(d.jaccard, v.measured) AS measured,
             d.duplicate_of, d.jaccard
      FROM measured m JOIN verdicts v USING (ordinal) LEFT JOIN duplicates d USING (ordinal)
      ORDER BY ordinal`);
    await connection.run('INSERT INTO decided SELECT * FROM window_decided');
    await connection.run('INSERT INTO passing SELECT * FROM window_passing');
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
}

/** Cuts row `index` out of the signature arrays of a batch. */
export function signatureRow(
  result: { minhashes: Uint32Array; bands: BigUint64Array },
  index: number,
): { minhashes: Uint32Array; bands: BigUint64Array } {
  return {
    minhashes: result.minhashes.subarray(index * PERMUTATIONS, (index + 1) * PERMUTATIONS),
    bands: result.bands.subarray(index * BANDS, (index + 1) * BANDS),
  };
}
