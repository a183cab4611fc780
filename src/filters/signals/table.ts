/** The table `signals` that policies select from: one row a document, its signals and what is known of it besides. */
import { BIGINT, BOOLEAN, DOUBLE, VARCHAR, type DuckDBConnection, type DuckDBType } from '@duckdb/node-api';
import { appendColumns } from '../../store/append.js';
import { SIGNALS, type Signal, type SignalValues } from './index.js';

export interface SignalsRow {
  readonly ordinal: number;
  readonly url: string | null;
  readonly language: string;
  readonly languageScore: number;
  readonly signals: SignalValues;
}

const TYPES: Record<Signal['type'], DuckDBType> = { BIGINT, DOUBLE, VARCHAR, BOOLEAN };

/** Columns in order. Only `url` may be NULL. */
export const SIGNALS_TABLE: readonly { readonly name: string; readonly type: DuckDBType }[] = [
  { name: 'ordinal', type: BIGINT },
  { name: 'url', type: VARCHAR },
  { name: 'language', type: VARCHAR },
  { name: 'language_score', type: DOUBLE },
  ...SIGNALS.map(({ name, type }) => ({ name, type: TYPES[type] })),
];

/** Creates an empty table `table`, in place of one that exists. */
export async function createSignalsTable(connection: DuckDBConnection, table: string): Promise<void> {
  const columns = SIGNALS_TABLE.map(({ name, type }) => `"${name}" ${type.toString()}`);
  await connection.run(`CREATE OR REPLACE TABLE "${table}" (${columns.join(', ')})`);
}

export async function appendSignals(
  connection: DuckDBConnection,
  table: string,
  rows: readonly SignalsRow[],
): Promise<void> {
  const column = (index: number): unknown[] => {
    if (index === 0) return rows.map(({ ordinal }) => BigInt(ordinal));
    if (index === 1) return rows.map(({ url }) => url);
    if (index === 2) return rows.map(({ language }) => language);
    if (index === 3) return rows.map(({ languageScore }) => languageScore);
    const signal = index - 4;
    return SIGNALS[signal].type === 'BIGINT'
      ? rows.map(({ signals }) => BigInt(signals[signal] as number))
      : rows.map(({ signals }) => signals[signal]);
  };
  await appendColumns(
    connection,
    table,
    SIGNALS_TABLE.map(({ type }, index) => ({ type, values: column(index) })),
  );
}
