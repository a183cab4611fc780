/**
 * The gate for SQL from outside: one statement that reads the views and nothing else. DuckDB itself parses it
 * (`json_serialize_sql`), so there is no second grammar here; the gate walks the tree before anything is bound, because
 * binding already opens files and computes constants.
 *
 * Invariant: a statement that passes names only relations that the caller listed and table functions that touch no file
 * and no catalog. The database is confined besides (`confineDatabase`): each would hold alone.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { TokenmillError } from '../../core/errors.js';

/** Table functions that only make rows out of their arguments. */
const TABLE_FUNCTIONS = new Set([
  'generate_series',
  'json_each',
  'json_tree',
  'range',
  'repeat',
  'repeat_row',
  'unnest',
]);

/** Functions that tell of the machine or of other statements, run SQL out of a text, write, or sleep. */
const FORBIDDEN_FUNCTIONS = new Set([
  'current_query',
  'current_setting',
  'currval',
  'getenv',
  'json_execute_serialized_sql',
  'json_serialize_plan',
  'nextval',
  'parse_duckdb_log_message',
  'pg_get_constraintdef',
  'pg_get_expr',
  'pg_get_viewdef',
  'pg_sleep',
  'query',
  'query_table',
  'sleep_ms',
  'which_secret',
  'write_log',
]);

/** Parts of a FROM clause that DuckDB's parser makes. */
const TABLE_REFERENCES = new Set([
  'BASE_TABLE',
  'EMPTY',
  'EXPRESSION_LIST',
  'JOIN',
  'PIVOT',
  'SHOW_REF',
  'SUBQUERY',
  'TABLE_FUNCTION',
]);

/** What SHOW may list: the views, with their columns. */
const SHOWN = new Set(['"tables"', '__show_tables_expanded']);

const SCHEMA_VIEWS = new Set(['columns', 'tables']);

/**
 * A name that cannot be mistaken for a file: the engine takes a table that it does not know for a path where the name
 * has an ending such as `.csv`.
 */
const PLAIN_NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** Names of the engine's own catalogs: a common table expression must not stand in for one. */
const CATALOG_NAME = /^(?:duckdb_|pg_|pragma_|sqlite_|information_schema)/i;

type Node = Readonly<Record<string, unknown>>;

/**
 * Checks a SELECT statement and all that DuckDB takes for one.
 * @throws TokenmillError SQL_INVALID
 */
export async function checkReads(connection: DuckDBConnection, sql: string): Promise<void> {
  const tree = await parse(connection, sql);
  const names = (await connection.runAndReadAll('SELECT table_name FROM information_schema.tables'))
    .getRows()
    .map(([name]) => String(name).toLowerCase());
  checkTree(tree, new Set(names));
}

async function parse(connection: DuckDBConnection, sql: string): Promise<Node> {
  const reader = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
  const tree = JSON.parse(String(reader.getRows()[0][0])) as Node;
  if (tree['error'] !== true) return tree;
  if (tree['error_type'] !== 'not implemented') throw refused(String(tree['error_message']));
  const word = /^\s*([a-z]+)/i.exec(sql)?.[1].toUpperCase();
  throw refused(`only statements that read are allowed${word === undefined ? '' : `, and this is ${word}`}`);
}

/** Walks without recursion: a tree may be deeper than the stack. */
function checkTree(tree: Node, relations: ReadonlySet<string>): void {
  const common = new Set<string>();
  const tables: Node[] = [];
  const rest: unknown[] = [tree];
  while (rest.length > 0) {
    const value = rest.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const part of Object.values(value)) rest.push(part);
    if (Array.isArray(value)) continue;
    const node = value as Node;
    for (const name of commonNames(node)) common.add(name);
    if (typeof node['function_name'] === 'string') checkFunction(node['function_name']);
    for (const key of ['from_table', 'source', 'left', 'right']) checkReference(node[key]);
    if (node['type'] === 'BASE_TABLE') tables.push(node);
    else if (node['type'] === 'TABLE_FUNCTION') checkTableFunction(node);
    else if (node['type'] === 'SHOW_REF') checkShow(node);
  }
  for (const table of tables) checkTable(table, relations, common);
}

/** Names of the common table expressions that a node defines. */
function commonNames(node: Node): string[] {
  const entries = (node['cte_map'] as { map?: { key: string }[] } | undefined)?.map ?? [];
  return entries.map(({ key }) => {
    if (PLAIN_NAME.test(key) && !CATALOG_NAME.test(key)) return key.toLowerCase();
    throw refused(`${JSON.stringify(key)} cannot be the name of a common table expression here`);
  });
}

function checkFunction(name: string): void {
  if (FORBIDDEN_FUNCTIONS.has(name.toLowerCase()))
    throw refused(`the function ${name} is not available here`);
}

function checkReference(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  const { class: expression, type } = value as { class?: unknown; type?: unknown };
  // An operator's sides are expressions, a set operation's are queries.
  if (expression !== undefined || typeof type !== 'string' || type.endsWith('_NODE')) return;
  if (!TABLE_REFERENCES.has(type)) throw refused(`${type} is not available here`);
}

function checkTableFunction(node: Node): void {
  const name = (node['function'] as Node | undefined)?.['function_name'];
  if (typeof name === 'string' && TABLE_FUNCTIONS.has(name.toLowerCase())) return;
  throw refused(`the table function ${String(name)} is not available here`);
}

function checkShow(node: Node): void {
  if (node['query'] !== null || SHOWN.has(String(node['table_name']))) return;
  throw refused('only the views can be shown: SHOW TABLES, DESCRIBE documents');
}

function checkTable(node: Node, relations: ReadonlySet<string>, common: ReadonlySet<string>): void {
  const [catalog, schema, name] = [node['catalog_name'], node['schema_name'], node['table_name']].map(
    (part) => String(part).toLowerCase(),
  );
  if (catalog === '' && schema === '' && common.has(name)) return;
  if (catalog === '' || catalog === 'memory') {
    if ((schema === '' || schema === 'main') && relations.has(name)) return;
    if (schema === 'information_schema' && SCHEMA_VIEWS.has(name)) return;
  }
  const shown = [catalog, schema, name].filter((part) => part !== '').join('.');
  throw refused(`there is no view ${shown}`);
}

function refused(message: string): TokenmillError {
  return new TokenmillError('SQL_INVALID', message);
}
