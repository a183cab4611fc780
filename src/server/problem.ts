/**
 * Errors as RFC 9457 problem details, out of the one table of `core/errors.ts`.
 *
 * `type` leads to the code's entry on the service's own page of errors, `instance` names the request, as its
 * `X-Request-Id` and the log do. What is not a TokenmillError is a defect: the client learns the request's name, the
 * log the rest.
 */
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { describeError, ERRORS, TokenmillError, type ErrorCode, type Place } from '../core/errors.js';
import type { Log } from '../core/log.js';
import type { AppEnv } from './context.js';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly hint?: string;
  readonly place?: Place;
  readonly instance: string;
}

export function toProblem(error: TokenmillError, requestId: string): Problem {
  const { title, http } = ERRORS[error.code];
  return {
    type: `/docs/errors#${error.code}`,
    title,
    status: http,
    detail: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(Object.keys(error.place).length === 0 ? {} : { place: error.place }),
    instance: `urn:uuid:${requestId}`,
  };
}

/** Codes of the errors that Hono itself raises, by HTTP status. */
const CODES_BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'USAGE',
  413: 'INPUT_TOO_LARGE',
  415: 'INPUT_UNSUPPORTED',
};

function known(error: unknown): TokenmillError | undefined {
  if (error instanceof TokenmillError) return error;
  if (error instanceof HTTPException && CODES_BY_STATUS[error.status] !== undefined) {
    return new TokenmillError(CODES_BY_STATUS[error.status], error.message, { cause: error });
  }
  return undefined;
}

/** The response for an error, whatever was thrown. */
export function problemResponse(
  error: unknown,
  c: Context<AppEnv>,
  log: Log,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const requestId = c.get('requestId');
  const expected = known(error);
  if (expected === undefined || expected.code === 'INTERNAL') {
    log(`request ${requestId} ${c.req.method} ${c.req.path}: ${describeError(error)}`);
  }
  const shown =
    expected ?? new TokenmillError('INTERNAL', 'the service failed; its log names the cause by the instance');
  const problem = toProblem(shown, requestId);
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode, {
    'Content-Type': PROBLEM_TYPE,
    ...headers,
  });
}
