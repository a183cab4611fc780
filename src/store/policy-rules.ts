/** The rules of a dataset's policy, in order: the columns of its SELECT but `ordinal`, as DuckDB's parser names them. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { readJson } from '../core/files.js';
import type { DatasetPaths } from './workspace.js';

/** Texts and names in quotes, which stay, and comments, which go. */
const QUOTED_OR_COMMENT = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g;

/** One statement: up to a semicolon that is in no quotes. */
const STATEMENT = /(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^;'"])+/g;

interface Selected {
  readonly alias: string;
  readonly column_names?: readonly string[];
}

/** Empty where dataset.json has no policy or it is not of the form that ingest writes. */
export async function policyRules(connection: DuckDBConnection, paths: DatasetPaths): Promise<string[]> {
  const config = (await readJson(paths.config)) as { policy?: { sql?: unknown } };
  const sql = config.policy?.sql;
  if (typeof sql !== 'string') return [];
  const code = sql.replaceAll(QUOTED_OR_COMMENT, (part) => (/^['"]/.test(part) ? part : ' '));
  const select = (code.match(STATEMENT) ?? []).filter((statement) => statement.trim() !== '').at(-1) ?? '';
  const reader = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [select]);
  const tree = JSON.parse(String(reader.getRows()[0][0])) as {
    statements?: readonly { node?: { select_list?: readonly Selected[] } }[];
  };
  const columns = tree.statements?.[0]?.node?.select_list ?? [];
  return columns
    .map(({ alias, column_names }) => (alias === '' ? (column_names?.at(-1) ?? '') : alias))
    .filter((name) => name !== '' && name !== 'ordinal');
}
