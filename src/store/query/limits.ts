/** Bounds of a query from outside. Times are milliseconds, sizes bytes. */

import { TokenmillError } from '../../core/errors.js';
import { formatBytes, formatCount } from '../../core/format.js';

export interface QueryLimits {
  /** From the beginning of the statement to the last byte of its result. */
  readonly milliseconds: number;
  /** Rows of a result. */
  readonly rows: number;
  /** Bytes of a result in its format. */
  readonly bytes: number;
}

/** For whoever owns the process: the command line. */
export const UNLIMITED: QueryLimits = {
  milliseconds: Number.POSITIVE_INFINITY,
  rows: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
};

export function tooManyRows({ rows }: QueryLimits): TokenmillError {
  return new TokenmillError('SQL_LIMIT', `the result has more than ${formatCount(rows)} rows`, {
    hint: 'add a LIMIT, aggregate, or take it in parts',
  });
}

export function tooManyBytes({ bytes }: QueryLimits): TokenmillError {
  return new TokenmillError('SQL_LIMIT', `the result is larger than ${formatBytes(bytes)}`, {
    hint: 'select fewer columns, add a LIMIT, or take it in parts',
  });
}
