/**
 * The gate for SQL from outside: one statement that only reads. DuckDB itself parses it, so there is no second
 * grammar here; what may be read is `confineDatabase`'s business.
 */
import { StatementType, type DuckDBConnection, type DuckDBPreparedStatement } from '@duckdb/node-api';
import { TokenmillError } from '../core/errors.js';
import { VIEWS } from './views.js';

/** Longest statement that is accepted, in characters: no person or tool writes one so long. */
export const MAX_SQL_LENGTH = 1_000_000;

/**
 * EXPLAIN with its options, then the statement that it explains. No comment can be in it, so what follows is, to
 * DuckDB's lexer too, the text of a statement of its own.
 */
const EXPLAIN = /^\s*explain\s+(?:analyze\s+|\(\s*(?:analyze|format)\b[\w\s,]*\)\s*)?/i;

/** An error of DuckDB about a statement, with its message. */
export function sqlError(error: unknown): TokenmillError {
  if (error instanceof TokenmillError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return invalid(message.replace(/^Failed to extract statements: /, ''), error);
}

function invalid(message: string, cause?: unknown): TokenmillError {
  return new TokenmillError('SQL_INVALID', message, {
    hint: `the views are ${VIEWS.join(', ')}; "DESCRIBE documents" lists the columns of one`,
    cause,
  });
}

/**
 * Prepares a statement that reads: SELECT and all that DuckDB takes for one (FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE,
 * PRAGMA that returns a table), or EXPLAIN of such a statement.
 * @throws TokenmillError SQL_INVALID
 */
export async function prepareRead(
  connection: DuckDBConnection,
  sql: string,
): Promise<DuckDBPreparedStatement> {
  const statement = await prepareOne(connection, sql);
  if (statement.parameterCount > 0)
    throw invalid('the statement has parameters, and there are no values for them');
  if (statement.statementType === StatementType.SELECT) return statement;
  if (statement.statementType === StatementType.EXPLAIN) {
    // EXPLAIN ANALYZE runs what it explains, whatever that is.
    const explained = await prepareOne(connection, sql.replace(EXPLAIN, ''));
    if (explained.statementType === StatementType.SELECT) return statement;
    throw invalid('only statements that read can be explained, with no comment before EXPLAIN or behind it');
  }
  const kind = StatementType[statement.statementType].replaceAll('_', ' ');
  throw invalid(`only statements that read are allowed, and this is ${kind}`);
}

async function prepareOne(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  if (sql.length > MAX_SQL_LENGTH) throw invalid(`the statement is longer than ${MAX_SQL_LENGTH} characters`);
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count === 1) return await statements.prepare(0);
  } catch (error) {
    // The binding's way to say that it found no statement, only space and comments.
    if ((error as Error).message === 'Error in native callback')
      throw invalid('there is no statement', error);
    throw sqlError(error);
  }
  throw invalid('there must be one statement, without any other (PIVOT needs its values listed with IN)');
}
