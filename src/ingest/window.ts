/**
 * Documents between two commits, in DuckDB tables: measured rows come in, verdicts are decided in SQL and duplicates in
 * the index, the files of the commit go out.
 *
 * Tables: `measured` (all documents since the last commit, of which the view `window_signals` shows those of the
 * window), `outcomes` (what became of them, row by row beside `measured`), `passing` (signatures of those that the
 * policy passed).
 * Invariants: what is decided about a document depends on it and on earlier documents only, never on where a window ends;
 * both tables are in order of ordinal, so that files are written without sorting or joining texts.
 */
import {
  BIGINT,
  BLOB,
  BOOLEAN,
  DOUBLE,
  DuckDBBlobValue,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBType,
} from '@duckdb/node-api';
import type { DedupDocument, DedupIndex } from '../filters/dedup/dedup-index.js';
import { appendSignatures, createSignatureTable, writeSignatures } from '../filters/dedup/signatures.js';
import { applyPolicy, type Policy } from '../filters/policy.js';
import { SIGNALS } from '../filters/signals/index.js';
import { appendColumns } from '../store/append.js';
import { documentColumns, quoteName, quoteText } from '../store/schema.js';
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

/** What was decided about a document. */
export interface Decision {
  readonly ordinal: number;
  readonly id: string;
  readonly verdict: 'keep' | 'drop';
  readonly reason: string | null;
  readonly measured: number | null;
  readonly duplicateOf: string | null;
  readonly jaccard: number | null;
}

/** What became of a document: one that was kept has a split, tokens and its text in UTF-8. */
export interface Outcome extends Decision {
  readonly split: Split | null;
  readonly tokens: number | null;
  readonly text: Uint8Array | null;
}

interface Column<Row = WindowDocument> {
  readonly name: string;
  readonly type: DuckDBType;
  readonly value: (row: Row) => unknown;
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
  // Whole numbers are doubles here, which hold them exactly, and come out as what they are.
  ...SIGNALS.map((signal, index): Column => ({
    name: signal.name,
    type: signal.type === 'BIGINT' ? DOUBLE : SQL_TYPES[signal.type],
    value: (d) => d.measured.signals[index],
  })),
];

const OUTCOME_COLUMNS: readonly Column<Outcome>[] = [
  { name: 'ordinal', type: BIGINT, value: (o) => BigInt(o.ordinal) },
  { name: 'verdict', type: VARCHAR, value: (o) => o.verdict },
  { name: 'reason', type: VARCHAR, value: (o) => o.reason },
  { name: 'measured', type: DOUBLE, value: (o) => o.measured },
  { name: 'duplicate_of', type: VARCHAR, value: (o) => o.duplicateOf },
  { name: 'jaccard', type: DOUBLE, value: (o) => o.jaccard },
  { name: 'split', type: VARCHAR, value: (o) => o.split },
  { name: 'tokens', type: BIGINT, value: (o) => (o.tokens === null ? null : BigInt(o.tokens)) },
  // Bytes go in without being made a string first.
  { name: 'text', type: BLOB, value: (o) => (o.text === null ? null : new DuckDBBlobValue(o.text)) },
];

const createTable = (name: string, columns: readonly Pick<Column, 'name' | 'type'>[]): string =>
  `CREATE OR REPLACE TABLE ${name} (${columns.map((column) => `"${column.name}" ${String(column.type)}`).join(', ')})`;

/** A signal as the policy and the files have it, out of the table `measured`. */
const SELECT_SIGNALS = SIGNALS.map(({ name, type }) => `${quoteName(name)}::${type} AS ${quoteName(name)}`);

/** Distinct values of a column up to which its file keeps a dictionary; texts hardly ever repeat, and need none. */
const DICTIONARY_VALUES = 1000;

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
    await store.clear();
    return store;
  }

  /** Empties the tables of what was committed. */
  async clear(): Promise<void> {
    // Not DELETE: DuckDB keeps the memory of deleted rows of a table in memory.
    await this.connection.run(createTable('measured', MEASURED_COLUMNS));
    await this.connection.run(createTable('outcomes', OUTCOME_COLUMNS));
    await createSignatureTable(this.connection, 'passing');
  }

  /** Decides about the documents of a window, which are the next ones. Returns the decisions in the same order. */
  async decide(documents: readonly WindowDocument[]): Promise<Decision[]> {
    const { connection } = this;
    await this.append('measured', MEASURED_COLUMNS, documents);
    await connection.run(
      `CREATE OR REPLACE VIEW window_signals AS SELECT ordinal, url, language, language_score, ${SELECT_SIGNALS.join(', ')}
       FROM measured WHERE ordinal >= ${documents[0].ordinal}`,
    );
    await applyPolicy(connection, this.policy, { signalsTable: 'window_signals', verdictsTable: 'verdicts' });
    const verdicts = await connection.runAndReadAll(
      'SELECT ordinal::DOUBLE, reason, measured FROM verdicts ORDER BY ordinal',
    );
    const [ordinals, reasons, values] = verdicts.getColumns() as [
      number[],
      (string | null)[],
      (number | null)[],
    ];
    const passing = documents
      .filter((_, row) => reasons[row] === null)
      .map(({ ordinal, id, measured }): DedupDocument => ({ ordinal, id, ...measured.dedup }));
    const duplicates = new Map(this.index.resolve(passing).map((found) => [found.ordinal, found]));
    await appendSignatures(connection, 'passing', passing);
    return documents.map(({ ordinal, id }, row): Decision => {
      if (ordinals[row] !== ordinal) throw new Error(`no verdict of document ${ordinal}`);
      const duplicate = duplicates.get(ordinal);
      const reason = duplicate?.reason ?? reasons[row];
      return {
        ordinal,
        id,
        verdict: reason === null ? 'keep' : 'drop',
        reason,
        measured: duplicate?.jaccard ?? values[row],
        duplicateOf: duplicate?.duplicateOf ?? null,
        jaccard: duplicate?.jaccard ?? null,
      };
    });
  }

  private async append<Row>(
    table: string,
    columns: readonly Column<Row>[],
    rows: readonly Row[],
  ): Promise<void> {
    await appendColumns(
      this.connection,
      table,
      columns.map(({ type, value }) => ({ type, values: rows.map(value) })),
    );
  }

  /** Adds what became of the next documents that were decided about, in order. */
  async addOutcomes(outcomes: readonly Outcome[]): Promise<void> {
    await this.append('outcomes', OUTCOME_COLUMNS, outcomes);
  }

  /** Writes the rows of all documents since the last commit, in order. */
  async writeDocuments(path: string): Promise<void> {
    const outcomes = new Set(OUTCOME_COLUMNS.map(({ name }) => name));
    const columns = documentColumns.map(({ name }) => {
      // A check on the order that everything here rests on.
      if (name === 'ordinal')
        return `CASE WHEN m.ordinal = o.ordinal THEN m.ordinal ELSE error('rows out of order') END AS ordinal`;
      if (name === 'text') return 'decode(o.text) AS text';
      return `${outcomes.has(name) ? 'o' : 'm'}.${quoteName(name)}`;
    });
    await this.connection.run(
      `COPY (SELECT ${[...columns, ...SELECT_SIGNALS].join(', ')} FROM measured m POSITIONAL JOIN outcomes o)
       TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd, DICTIONARY_SIZE_LIMIT ${DICTIONARY_VALUES})`,
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
