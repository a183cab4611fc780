/**
 * Policies: plain SQL that turns signals into verdicts.
 *
 * A policy selects from the table `signals` one row a document: `ordinal`, then a column for each rule, NULL where the
 * document passes and the measured value where it does not. The first rule that is not NULL, in the order of the
 * columns, is the reason. `drop_if(condition, measured)` writes such a column; it refuses a condition that is NULL,
 * because SQL's comparison with NULL would keep the document in silence.
 *
 * Invariant: a policy that `validatePolicy` has accepted reads nothing but `signals`, neither files nor other tables.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  DuckDBInstance,
  LIST,
  listValue,
  StatementType,
  VARCHAR,
  type DuckDBConnection,
} from '@duckdb/node-api';
import { fromSystemError, TokenmillError } from '../core/errors.js';
import { canonicalJson, sha256 } from '../core/hash.js';
import { packageFile } from '../core/paths.js';
import { overrideLiteral, parsePolicy, type PolicyText, type PolicyVariable } from './policy-text.js';
import { SIGNALS } from './signals/index.js';
import { appendSignals, createSignalsTable, SIGNALS_TABLE, type SignalsRow } from './signals/table.js';

/** A policy file larger than this is refused before it is parsed. */
export const MAX_POLICY_BYTES = 65_536;

export interface Policy extends PolicyText {
  readonly name: string;
  /** The file's text, without overrides. */
  readonly sql: string;
  /** Of the text and the overrides: equal hashes give equal verdicts. */
  readonly sha256: string;
}

const NUMERIC =
  /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT|FLOAT|DOUBLE|DECIMAL.*)$/;

const DROP_IF = `CREATE OR REPLACE TEMP MACRO drop_if(condition, measured) AS
  CASE WHEN condition IS NULL THEN error('the condition is NULL')
       WHEN condition THEN coalesce(measured::DOUBLE, error('the measured value is NULL')) END`;

/** Names of the policies that come with the package. */
export async function policyNames(): Promise<string[]> {
  const names = await readdir(packageFile('sql/policies'));
  return names
    .filter((name) => name.endsWith('.sql'))
    .map((name) => name.slice(0, -'.sql'.length))
    .sort();
}

/**
 * Reads a policy.
 * @param nameOrPath a name in sql/policies, or the path of a file: whatever has a slash or ends in `.sql`
 * @param options.set values for the policy's variables, as text: `{ min_words: '30' }`
 * @throws TokenmillError POLICY_INVALID, FILE_NOT_FOUND
 */
export async function loadPolicy(
  nameOrPath: string,
  options: { readonly set?: Readonly<Record<string, string>> } = {},
): Promise<Policy> {
  const isPath = /[/\\]/.test(nameOrPath) || nameOrPath.endsWith('.sql');
  if (!isPath) {
    const names = await policyNames();
    if (!names.includes(nameOrPath)) {
      throw new TokenmillError('POLICY_INVALID', `there is no policy ${nameOrPath}`, {
        hint: `policies are ${names.join(', ')}; a file of your own is given as a path that ends in .sql`,
      });
    }
  }
  const path = isPath ? nameOrPath : packageFile(`sql/policies/${nameOrPath}.sql`);
  const text = await readFile(path).catch((error: unknown) => {
    throw fromSystemError(error, path);
  });
  if (text.length > MAX_POLICY_BYTES) {
    throw new TokenmillError('POLICY_INVALID', `${path} is larger than ${MAX_POLICY_BYTES} bytes`);
  }
  return policyFromSql(basename(path).replace(/\.sql$/, ''), text.toString('utf8'), options.set);
}

/**
 * A policy from its text.
 * @throws TokenmillError POLICY_INVALID where the text is no policy, or `set` names a variable that it has not
 */
export function policyFromSql(name: string, sql: string, set: Readonly<Record<string, string>> = {}): Policy {
  const parsed = parsePolicy(name, sql);
  const known = parsed.variables.map((variable) => variable.name);
  for (const variable of Object.keys(set)) {
    if (known.includes(variable)) continue;
    throw new TokenmillError('POLICY_INVALID', `policy ${name} has no variable ${variable}`, {
      hint: known.length === 0 ? 'it has none' : `its variables are ${known.join(', ')}`,
    });
  }
  const variables = parsed.variables.map((variable): PolicyVariable => {
    const text = Object.hasOwn(set, variable.name) ? set[variable.name] : undefined;
    return text === undefined ? variable : { ...variable, value: overrideLiteral(name, variable, text) };
  });
  return { ...parsed, variables, name, sql, sha256: sha256(canonicalJson({ sql, set })) };
}

/**
 * Checks a policy before any document is read: its statements and columns in a database without access to files, then
 * its rules on probe documents in the database that will run it.
 * @throws TokenmillError POLICY_INVALID with DuckDB's message and, where one is at fault, the rule
 */
export async function validatePolicy(connection: DuckDBConnection, policy: Policy): Promise<void> {
  await checkInSandbox(policy);
  const probe = { signalsTable: 'policy_probe', verdictsTable: 'policy_probe_verdicts' };
  try {
    await createSignalsTable(connection, probe.signalsTable);
    await appendSignals(connection, probe.signalsTable, PROBES);
    await applyPolicy(connection, policy, probe);
  } finally {
    for (const table of Object.values(probe)) await connection.run(`DROP TABLE IF EXISTS ${table}`);
  }
}

/** A document like others, and one without words, language or address: a ratio of two signals is NULL there. */
const PROBES: readonly SignalsRow[] = [
  {
    ordinal: 0,
    url: 'https://example.com/',
    language: 'en',
    languageScore: 1,
    signals: probeValues(1, 'a', true),
  },
  { ordinal: 1, url: null, language: 'und', languageScore: 0, signals: probeValues(0, '', false) },
];

function probeValues(number: number, text: string, boolean: boolean): (number | string | boolean)[] {
  return SIGNALS.map(({ type }) => (type === 'VARCHAR' ? text : type === 'BOOLEAN' ? boolean : number));
}

async function checkInSandbox(policy: Policy): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', {
    enable_external_access: 'false',
    lock_configuration: 'true',
    threads: '1',
  });
  const connection = await instance.connect();
  try {
    await createSignalsTable(connection, 'signals');
    await prepareConnection(connection, policy);
    const statements = await connection.extractStatements(policy.select);
    const select = await statements.prepare(0);
    if (statements.count !== 1 || select.statementType !== StatementType.SELECT) {
      throw new TokenmillError('POLICY_INVALID', `policy ${policy.name}: there is not exactly one SELECT`);
    }
    policy.rules.forEach((rule, index) => {
      const type = select.columnType(index + 1).toString();
      if (select.columnName(index + 1) !== rule || !NUMERIC.test(type)) {
        throw new TokenmillError(
          'POLICY_INVALID',
          `policy ${policy.name}: rule ${rule} is ${type}, not a number`,
          {
            hint: 'a rule is drop_if(condition, measured), or a number where the document is dropped and NULL elsewhere',
          },
        );
      }
    });
    await checkStatement(connection, policy);
  } catch (error) {
    throw invalid(policy, error);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

/**
 * Refuses what would make a verdict depend on more than the document's own row: window functions, subqueries,
 * aggregates, and functions whose value changes from call to call.
 */
async function checkStatement(connection: DuckDBConnection, policy: Policy): Promise<void> {
  const fail = (what: string): TokenmillError =>
    new TokenmillError('POLICY_INVALID', `policy ${policy.name} uses ${what}`, {
      hint: 'a rule looks at the columns of one document and at variables, so that the same document gets the same verdict always',
    });
  const serialized = await connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [
    policy.select,
  ]);
  const statement = JSON.parse(serialized.getRows()[0][0] as string) as unknown;
  const functions = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (typeof node !== 'object' || node === null) return;
    const fields = node as Record<string, unknown>;
    if (fields['class'] === 'WINDOW') throw fail(`the window function ${String(fields['function_name'])}`);
    if (fields['class'] === 'SUBQUERY') throw fail('a subquery');
    if (typeof fields['function_name'] === 'string') functions.add(fields['function_name']);
    Object.values(fields).forEach(visit);
  };
  visit(statement);
  const found = await connection.runAndReadAll(
    `SELECT DISTINCT function_name FROM duckdb_functions()
     WHERE function_name IN (SELECT unnest($1::VARCHAR[])) AND function_name NOT IN ('getvariable', 'error')
       AND (function_type = 'aggregate' OR stability <> 'CONSISTENT') ORDER BY ALL LIMIT 1`,
    [listValue([...functions])],
    [LIST(VARCHAR)],
  );
  const [name] = found.getRows()[0] ?? [];
  if (name !== undefined) throw fail(`the function ${String(name)}`);
}

/** Gives the connection what the policy's SELECT uses. */
async function prepareConnection(connection: DuckDBConnection, policy: Policy): Promise<void> {
  await connection.run(DROP_IF);
  for (const { name, value } of policy.variables) await connection.run(`SET VARIABLE ${name} = ${value}`);
}

/**
 * Creates `verdictsTable` (ordinal BIGINT, verdict 'keep' or 'drop', reason VARCHAR, measured DOUBLE) with one row for
 * each row of `signalsTable`, in order.
 * @throws TokenmillError POLICY_INVALID naming the rule that failed
 */
export async function applyPolicy(
  connection: DuckDBConnection,
  policy: Policy,
  { signalsTable, verdictsTable }: { readonly signalsTable: string; readonly verdictsTable: string },
): Promise<void> {
  const rules = `WITH signals AS (SELECT * FROM "${signalsTable}"), rules AS (${policy.select})`;
  const reasons = policy.rules.map((rule) => `WHEN "${rule}" IS NOT NULL THEN '${rule}'`);
  const reason = reasons.length === 0 ? 'NULL' : `CASE ${reasons.join(' ')} END`;
  const measured = `coalesce(${[...policy.rules.map((rule) => `"${rule}"`), 'NULL'].join(', ')})`;
  try {
    await prepareConnection(connection, policy);
    await connection.run(`
      CREATE OR REPLACE TABLE "${verdictsTable}" AS ${rules}
      SELECT ordinal, CASE WHEN reason IS NULL THEN 'keep' ELSE 'drop' END AS verdict, reason, measured
      FROM (SELECT ordinal, (${reason})::VARCHAR AS reason, (${measured})::DOUBLE AS measured FROM rules)
      ORDER BY ordinal`);
  } catch (error) {
    throw invalid(policy, error, await failingRule(connection, policy, rules));
  }
  const counts = await connection.runAndReadAll(
    `SELECT (SELECT count(*) FROM "${signalsTable}"), count(*), count(DISTINCT ordinal) FROM "${verdictsTable}"`,
  );
  const [documents, rows, distinct] = counts.getRows()[0];
  if (documents !== rows || rows !== distinct) {
    throw new TokenmillError(
      'POLICY_INVALID',
      `policy ${policy.name} gives ${String(rows)} rows for ${String(documents)} documents`,
      {
        hint: 'the SELECT gives one row for every row of signals: leave out WHERE, GROUP BY and joins',
      },
    );
  }
}

/**
 * Creates `rulesTable`: ordinal, and a column of DOUBLE for each rule of the policy, NULL where a document passes it.
 * @throws TokenmillError POLICY_INVALID naming the rule that failed
 */
export async function createRulesTable(
  connection: DuckDBConnection,
  policy: Policy,
  { signalsTable, rulesTable }: { readonly signalsTable: string; readonly rulesTable: string },
): Promise<void> {
  const rules = `WITH signals AS (SELECT * FROM "${signalsTable}"), rules AS (${policy.select})`;
  const columns = ['ordinal', ...policy.rules.map((rule) => `"${rule}"::DOUBLE AS "${rule}"`)];
  try {
    await prepareConnection(connection, policy);
    await connection.run(
      `CREATE OR REPLACE TABLE "${rulesTable}" AS ${rules} SELECT ${columns.join(', ')} FROM rules`,
    );
  } catch (error) {
    throw invalid(policy, error, await failingRule(connection, policy, rules));
  }
}

/** Runs the rules one by one to find the one that fails. */
async function failingRule(
  connection: DuckDBConnection,
  policy: Policy,
  rules: string,
): Promise<string | undefined> {
  for (const rule of policy.rules) {
    try {
      await connection.run(`${rules} SELECT count("${rule}") FROM rules`);
    } catch {
      return rule;
    }
  }
  return undefined;
}

function invalid(policy: Policy, error: unknown, rule?: string): unknown {
  if (error instanceof TokenmillError || !(error instanceof Error)) return error;
  const subject = rule === undefined ? `policy ${policy.name}` : `policy ${policy.name}, rule ${rule}`;
  return new TokenmillError('POLICY_INVALID', `${subject}: ${error.message}`, {
    hint: hintFor(error.message),
    cause: error,
  });
}

/** What to do about a message of DuckDB. */
function hintFor(message: string): string {
  if (message.includes('is NULL')) {
    return "say what holds where a value is missing, for example coalesce(url, ''); check the names of variables";
  }
  if (message.includes('not found in FROM clause')) {
    return `columns of signals are ${SIGNALS_TABLE.map(({ name }) => name).join(', ')}`;
  }
  return 'a policy is SQL as DuckDB writes it; the table signals is all that it can read';
}
