/** One statement from outside: checked, prepared, with its parameters bound; and the errors of DuckDB about it. */
import {
  BIGINT,
  BOOLEAN,
  DOUBLE,
  LIST,
  StatementType,
  VARCHAR,
  type DuckDBConnection,
  type DuckDBPreparedStatement,
  type DuckDBType,
} from '@duckdb/node-api';
import { TokenmillError, type ErrorCode } from '../../core/errors.js';
import { VIEWS } from '../views.js';
import { checkReads } from './gate.js';

/** Longest statement that is accepted, in characters: no person or tool writes one so long. */
export const MAX_SQL_LENGTH = 100_000;

type Scalar = string | number | boolean | null;
export type Parameter = Scalar | readonly Scalar[];
/** Values by position ($1, ?) or by name ($name). */
export type Parameters = readonly Parameter[] | Readonly<Record<string, Parameter>>;

export interface StatementOptions {
  readonly parameters?: Parameters;
  /** Lets the statement read files and whatever else SELECT can: for whoever may read them anyway. */
  readonly allowFiles?: boolean;
}

/**
 * EXPLAIN with its options, then the statement that it explains. No comment can be in it, so what follows is, to
 * DuckDB's lexer too, the text of a statement of its own.
 */
const EXPLAIN = /^\s*explain\s+(?:analyze\s+|\(\s*(?:analyze|format)\b[\w\s,]*\)\s*)?/i;

/** An error of DuckDB about a statement, with its message. */
export function sqlError(error: unknown): TokenmillError {
  if (error instanceof TokenmillError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (message.startsWith('Out of Memory Error')) {
    return new TokenmillError('SQL_LIMIT', 'the statement needs more memory than a query may have', {
      hint: 'select fewer columns, filter first, or aggregate more coarsely',
      cause: error,
    });
  }
  if (error instanceof RangeError) {
    return new TokenmillError('SQL_LIMIT', 'a value of the result is too long for its format', {
      cause: error,
    });
  }
  // After these the database answers nothing any more.
  if (/^(?:FATAL|INTERNAL) Error/.test(message))
    return new TokenmillError('INTERNAL', message, { cause: error });
  return invalid(message.replace(/^Failed to extract statements: /, ''), error);
}

function invalid(message: string, cause?: unknown, code: ErrorCode = 'SQL_INVALID'): TokenmillError {
  return new TokenmillError(code, message, {
    hint: `the views are ${VIEWS.join(', ')}; "DESCRIBE documents" lists the columns of one`,
    cause,
  });
}

/**
 * Prepares a statement that reads: SELECT and all that DuckDB takes for one (FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE),
 * or EXPLAIN of such a statement.
 * @throws TokenmillError SQL_INVALID, SQL_LIMIT
 */
export async function prepareRead(
  connection: DuckDBConnection,
  sql: string,
  options: StatementOptions = {},
): Promise<DuckDBPreparedStatement> {
  try {
    const statement = await prepare(connection, sql, options);
    bindParameters(statement, options.parameters ?? []);
    return statement;
  } catch (error) {
    const known = sqlError(error);
    if (known.hint !== undefined) throw known;
    throw invalid(known.message, error, known.code);
  }
}

async function prepare(
  connection: DuckDBConnection,
  sql: string,
  { allowFiles = false }: StatementOptions,
): Promise<DuckDBPreparedStatement> {
  if (sql.length > MAX_SQL_LENGTH) throw invalid(`the statement is longer than ${MAX_SQL_LENGTH} characters`);
  await checkOne(connection, sql);
  const explained = sql.replace(EXPLAIN, '');
  if (!allowFiles) await checkReads(connection, explained);
  const statement = await connection.prepare(sql);
  const type = statement.statementType;
  if (type === StatementType.SELECT) return statement;
  if (type === StatementType.EXPLAIN) {
    // EXPLAIN ANALYZE runs what it explains, whatever that is.
    const inner = await connection.prepare(explained);
    if (inner.statementType === StatementType.SELECT) return statement;
    throw invalid('only statements that read can be explained, with no comment before EXPLAIN or behind it');
  }
  const kind = StatementType[type].replaceAll('_', ' ');
  throw invalid(`only statements that read are allowed, and this is ${kind}`);
}

async function checkOne(connection: DuckDBConnection, sql: string): Promise<void> {
  let count: number;
  try {
    ({ count } = await connection.extractStatements(sql));
  } catch (error) {
    // The binding's way to say that it found no statement, only space and comments.
    if ((error as Error).message === 'Error in native callback') {
      throw invalid('there is no statement', error);
    }
    throw error;
  }
  if (count !== 1) {
    throw invalid('there must be one statement, without any other (PIVOT needs its values listed with IN)');
  }
}

/** @throws TokenmillError SQL_INVALID where a value is missing or has no parameter */
export function bindParameters(statement: DuckDBPreparedStatement, parameters: Parameters): void {
  const values = new Map(
    Array.isArray(parameters)
      ? parameters.map((value: Parameter, i) => [String(i + 1), value])
      : Object.entries(parameters as Readonly<Record<string, Parameter>>),
  );
  for (let index = 1; index <= statement.parameterCount; index++) {
    const name = statement.parameterName(index);
    const value = values.get(name);
    if (value === undefined) throw invalid(`there is no value for the parameter $${name}`);
    bindOne(statement, index, value);
    values.delete(name);
  }
  const [unknown] = values.keys();
  if (unknown !== undefined) throw invalid(`the statement has no parameter $${unknown}`);
}

function bindOne(statement: DuckDBPreparedStatement, index: number, value: Parameter): void {
  if (value === null) statement.bindNull(index);
  else if (isList(value)) {
    statement.bindList(
      index,
      value.map(toValue),
      LIST(typeOf(value.find((item) => item !== null) ?? '', value)),
    );
  } else statement.bindValue(index, toValue(value), typeOf(value));
}

function isList(value: Parameter): value is readonly Scalar[] {
  return Array.isArray(value);
}

function typeOf(value: Scalar, all: readonly Scalar[] = [value]): DuckDBType {
  if (typeof value === 'boolean') return BOOLEAN;
  if (typeof value === 'string' || value === null) return VARCHAR;
  return all.every((item) => item === null || Number.isSafeInteger(item)) ? BIGINT : DOUBLE;
}

function toValue(value: Scalar): string | bigint | number | boolean | null {
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}
