/**
 * The bytes of an address, over as many connections as it takes: what breaks off goes on where it ended, by a range
 * request, after a pause that grows.
 *
 * Invariant: bytes of two versions of a file are never put together. A connection goes on only where the server
 * confirms with a validator (RFC 9110, section 8.8) that the file is the same, and where the range that it sends
 * begins where the last one ended; else the transfer begins anew, and says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { TokenmillError } from '../../../core/errors.js';
import { formatCount } from '../../../core/format.js';
import type { AddressRule } from './address-rule.js';
import { readBody, requestUrl, type Answer } from './request.js';

export interface TransferLimits {
  /** Milliseconds without a byte after which a connection is given up. */
  readonly idleMs: number;
  /** Connections in a row that may fail without a byte that none had before. */
  readonly retries: number;
  /** Connections in all: a server that sends a byte each would else keep a transfer forever. */
  readonly connections: number;
  /** Milliseconds before the first retry; twice as much before each that follows. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Of the whole file. */
  readonly maxBytes: number;
}

export const TRANSFER_LIMITS: TransferLimits = {
  idleMs: 60_000,
  retries: 6,
  connections: 1000,
  backoffMs: 500,
  maxBackoffMs: 30_000,
  maxBytes: 1e12,
};

/** What a server says of a file. */
export interface Representation {
  /** Bytes; null where it is not said. */
  readonly size: number | null;
  /** A strong entity tag, or the time of the last change; null where neither is said. */
  readonly validator: string | null;
}

export interface TransferOptions {
  readonly rule: AddressRule;
  readonly limits?: Partial<TransferLimits>;
  readonly signal?: AbortSignal;
  /** Where the first connection begins, and what the file was that the bytes before are of, where they are here. */
  readonly from?: { readonly offset: number; readonly representation?: Representation };
}

export type TransferStep =
  /** What follows begins at this offset: where the last bytes ended, or 0 to begin anew. */
  | { readonly kind: 'begin'; readonly offset: number; readonly representation: Representation }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** @throws TokenmillError DOWNLOAD_FAILED, ADDRESS_FORBIDDEN, INPUT_TOO_LARGE, INTERRUPTED */
export async function* transfer(url: string, options: TransferOptions): AsyncGenerator<TransferStep> {
  const limits = { ...TRANSFER_LIMITS, ...options.limits };
  let offset = options.from?.offset ?? 0;
  let known = options.from?.representation;
  /** Connections since the transfer came further than ever before. */
  let failures = 0;
  let furthest = offset;
  for (let connection = 1; ; connection++) {
    let failure: string;
    let waitMs = 0;
    try {
      const asksRange = offset > 0 && (known === undefined || known.validator !== null);
      const headers: Record<string, string> = {
        ...(asksRange && { range: `bytes=${offset}-` }),
        ...(asksRange && known?.validator && { 'if-range': known.validator }),
      };
      const answer = await requestUrl(url, { ...options, headers, idleMs: limits.idleMs });
      const begun = begin(answer, asksRange ? offset : 0, known);
      if (begun.kind === 'complete') {
        answer.body.destroy();
        return;
      }
      if (begun.kind === 'begin') {
        if ((begun.representation.size ?? 0) > limits.maxBytes) {
          answer.body.destroy();
          throw tooLarge(url, limits.maxBytes);
        }
        offset = begun.offset;
        known = begun.representation;
        const chunks = readBody(answer.body);
        yield begun;
        for await (const bytes of chunks) {
          offset += bytes.length;
          if (offset > furthest) {
            furthest = offset;
            failures = 0;
          }
          if (offset > limits.maxBytes) throw tooLarge(url, limits.maxBytes);
          if (known.size !== null && offset > known.size) throw wrongLength(url, known.size);
          yield { kind: 'bytes', bytes };
        }
        if (known.size === null || offset === known.size) return;
        failure = `it ended after ${formatCount(offset)} of ${formatCount(known.size)} bytes`;
      } else {
        answer.body.destroy();
        failure = begun.reason;
        waitMs = begun.waitMs;
        if (begun.kind === 'refused') throw failed(url, failure);
        // The bytes that are there are of another version.
        if (begun.kind === 'anew') {
          offset = 0;
          known = undefined;
        }
      }
    } catch (error) {
      if (error instanceof TokenmillError) throw error;
      if (options.signal?.aborted === true) {
        throw new TokenmillError('INTERRUPTED', `interrupted while ${url} was downloaded`, { cause: error });
      }
      failure = (error as Error).message;
    }
    failures += 1;
    if (failures > limits.retries || connection >= limits.connections) throw failed(url, failure);
    const pause = Math.min(limits.maxBackoffMs, Math.max(waitMs, limits.backoffMs * 2 ** (failures - 1)));
    await sleep(pause, undefined, { signal: options.signal }).catch(() => {
      throw new TokenmillError('INTERRUPTED', `interrupted while ${url} was downloaded`);
    });
  }
}

type Begun =
  | { readonly kind: 'begin'; readonly offset: number; readonly representation: Representation }
  | { readonly kind: 'complete' }
  | { readonly kind: 'again' | 'anew' | 'refused'; readonly reason: string; readonly waitMs: number };

/** What an answer means for a transfer that asked for the bytes from `offset` on of what is known. */
function begin(answer: Answer, offset: number, known: Representation | undefined): Begun {
  const { status, headers } = answer;
  const reason = `the server answers with status ${status}`;
  const waitMs = 1000 * Number(/^\d{1,5}$/.exec(headers['retry-after'] ?? '')?.[0] ?? 0);
  const validator = validatorOf(answer);
  if (status === 200) {
    const length = headers['content-length'];
    const size = length === undefined ? null : Number(length);
    return { kind: 'begin', offset: 0, representation: { size, validator } };
  }
  if (status === 206) {
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(headers['content-range'] ?? '');
    const isSame =
      range !== null &&
      Number(range[1]) === offset &&
      (known === undefined ||
        ((known.size ?? Number(range[2])) === Number(range[2]) &&
          (validator ?? known.validator) === known.validator));
    if (!isSame) return { kind: 'anew', reason: 'the server sends another range or another version', waitMs };
    const representation = { size: Number(range[2]), validator: known?.validator ?? validator };
    return { kind: 'begin', offset, representation };
  }
  // Nothing lies behind the end: all was there already.
  if (status === 416 && offset > 0) {
    return known?.size === offset ? { kind: 'complete' } : { kind: 'anew', reason, waitMs };
  }
  return { kind: status === 408 || status === 429 || status >= 500 ? 'again' : 'refused', reason, waitMs };
}

function validatorOf({ headers }: Answer): string | null {
  const tag = headers.etag;
  if (tag !== undefined && /^"[^"]*"$/.test(tag)) return tag;
  return headers['last-modified'] ?? null;
}

function failed(url: string, reason: string): TokenmillError {
  return new TokenmillError('DOWNLOAD_FAILED', `${url} could not be downloaded: ${reason}`, {
    hint: 'the same command again goes on where this one stopped',
  });
}

function wrongLength(url: string, size: number): TokenmillError {
  return new TokenmillError(
    'DOWNLOAD_FAILED',
    `${url} sends more than the ${formatCount(size)} bytes it announced`,
  );
}

function tooLarge(url: string, limit: number): TokenmillError {
  return new TokenmillError('INPUT_TOO_LARGE', `${url} is larger than ${formatCount(limit)} bytes`);
}
