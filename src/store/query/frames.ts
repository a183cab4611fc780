/**
 * What a query process writes to its parent: frames of one byte of kind, four bytes of length (little-endian), and the
 * payload. First comes one READY; a result is DATA frames and then one END or one FAILURE, whose payload is the error as
 * JSON.
 */
import type { Readable } from 'node:stream';
import { ERRORS, TokenmillError, type ErrorCode, type Place } from '../../core/errors.js';

export const FRAME = { data: 0, end: 1, failure: 2, ready: 3 } as const;

const HEADER_BYTES = 5;

export interface Frame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

export function encodeFrame(kind: number, payload: string | Uint8Array): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes.length);
  frame[0] = kind;
  frame.writeUInt32LE(bytes.length, 1);
  frame.set(bytes, HEADER_BYTES);
  return frame;
}

/**
 * The frames of a stream, as they come; a frame that is cut off by the end is dropped. DATA may be handed out in pieces,
 * so that a long frame is not collected first.
 */
export async function* readFrames(stream: Readable): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  /** Bytes of a DATA frame that are still to come. */
  let open = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length > 0) {
      if (open > 0) {
        const piece = rest.subarray(0, open);
        rest = rest.subarray(piece.length);
        open -= piece.length;
        yield { kind: FRAME.data, payload: piece };
        continue;
      }
      if (rest.length < HEADER_BYTES) break;
      const kind = rest[0];
      const length = rest.readUInt32LE(1);
      if (kind === FRAME.data) {
        open = length;
        rest = rest.subarray(HEADER_BYTES);
        continue;
      }
      if (rest.length < HEADER_BYTES + length) break;
      const payload = rest.subarray(HEADER_BYTES, HEADER_BYTES + length);
      rest = rest.subarray(HEADER_BYTES + length);
      yield { kind, payload };
    }
  }
}

export function encodeError(error: unknown): string {
  const known =
    error instanceof TokenmillError
      ? error
      : new TokenmillError(
          'INTERNAL',
          error instanceof Error ? (error.stack ?? error.message) : String(error),
        );
  const { code, message, hint, place } = known;
  return JSON.stringify({ code, message, hint, place });
}

export function decodeError(payload: Uint8Array): TokenmillError {
  const { code, message, hint, place } = JSON.parse(Buffer.from(payload).toString()) as {
    code: ErrorCode;
    message: string;
    hint?: string;
    place?: Place;
  };
  return new TokenmillError(code in ERRORS ? code : 'INTERNAL', message, { hint, place });
}
