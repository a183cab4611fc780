/** What `tokenmill doctor` finds: one line a thing that was looked at. */
import { describeError, TokenmillError } from '../../core/errors.js';

export interface Finding {
  /** What was looked at: "node", "dataset crawl". */
  readonly what: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do about it; null where there is nothing to do. */
  readonly hint: string | null;
}

export function ok(what: string, message: string): Finding {
  return { what, status: 'ok', message, hint: null };
}

export function warn(what: string, message: string, hint: string): Finding {
  return { what, status: 'warn', message, hint };
}

export function fail(what: string, message: string, hint: string): Finding {
  return { what, status: 'fail', message, hint };
}

/** The findings of a look; an error of it is a finding too. */
export async function look(
  what: string,
  check: () => Promise<Finding | readonly Finding[]> | Finding,
  hint = 'see the message',
): Promise<Finding[]> {
  try {
    return [await check()].flat();
  } catch (error) {
    const known = error instanceof TokenmillError ? error : undefined;
    return [fail(what, known?.message ?? describeError(error).split('\n')[0], known?.hint ?? hint)];
  }
}
