/**
 * One gzip member (RFC 1952): its header, its raw deflate stream and its trailer of CRC-32 and size.
 *
 * Node's own Gunzip runs over member boundaries without telling where they are, so members are taken apart here and
 * only the deflate stream in them goes to zlib.
 */
import {
  constants,
  crc32,
  createInflateRaw,
  gunzip,
  inflateRaw,
  inflateRawSync,
  type InflateRaw,
} from 'node:zlib';

export const GZIP_MAGIC = Buffer.from([0x1f, 0x8b, 0x08]);
export const TRAILER_BYTES = 8;
/** Name, comment and extra field of a member header; real ones take a few dozen bytes. */
export const MAX_MEMBER_HEADER_BYTES = 128 * 1024;

const FLAG = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
const FIXED_HEADER_BYTES = 10;

/** Length of the member header at `start`; 'short' where the bytes end in it, undefined where there is none. */
export function memberHeaderLength(bytes: Buffer, start: number): number | 'short' | undefined {
  const known = Math.min(GZIP_MAGIC.length, bytes.length - start);
  if (bytes.compare(GZIP_MAGIC, 0, known, start, start + known) !== 0) return undefined;
  if (bytes.length < start + FIXED_HEADER_BYTES) return 'short';
  const flags = bytes[start + 3];
  if ((flags & FLAG.reserved) !== 0) return undefined;
  let end = start + FIXED_HEADER_BYTES;
  if ((flags & FLAG.extra) !== 0) {
    if (bytes.length < end + 2) return 'short';
    end += 2 + bytes.readUInt16LE(end);
  }
  for (const flag of [FLAG.name, FLAG.comment]) {
    if ((flags & flag) === 0) continue;
    const zero = bytes.indexOf(0, end);
    if (zero === -1) return bytes.length - start > MAX_MEMBER_HEADER_BYTES ? undefined : 'short';
    end = zero + 1;
  }
  if ((flags & FLAG.headerCrc) !== 0) end += 2;
  return end > bytes.length ? 'short' : end - start;
}

/**
 * Inflates bytes that should be exactly the deflate stream and trailer of one member, off the main thread.
 * Undefined where they are anything else.
 */
export async function inflateWhole(body: Buffer, expectedBytes: number): Promise<Buffer | undefined> {
  const stream = body.length - TRAILER_BYTES;
  // One byte more than expected, so that zlib finds the end of the stream in its first and only call.
  const options = {
    info: true,
    chunkSize: Math.max(64, expectedBytes + 1),
    maxOutputLength: expectedBytes + 1,
  };
  const content = await new Promise<Buffer | undefined>((resolve) => {
    inflateRaw(body.subarray(0, stream), options, (error, result) => {
      // With `info` the result is an object that the type declarations do not know.
      const { buffer, engine } = (result ?? {}) as unknown as { buffer: Buffer; engine: InflateRaw };
      resolve(error === null && engine.bytesWritten === stream ? buffer : undefined);
    });
  });
  if (content === undefined || content.length !== expectedBytes) return undefined;
  return crc32(content) === body.readUInt32LE(stream) ? content : undefined;
}

/**
 * Inflates whole members behind each other, off the main thread. Undefined where they are anything else, or one of
 * them has another size or CRC-32 than its trailer says.
 */
export async function inflateRun(
  bytes: Buffer,
  members: readonly { readonly end: number; readonly size: number }[],
  expectedBytes: number,
): Promise<Buffer | undefined> {
  const options = { chunkSize: Math.max(64, expectedBytes + 1), maxOutputLength: expectedBytes + 1 };
  const content = await new Promise<Buffer | undefined>((resolve) => {
    gunzip(bytes, options, (error, result) => resolve(error === null ? result : undefined));
  });
  if (content === undefined || content.length !== expectedBytes) return undefined;
  let start = 0;
  for (const { end, size } of members) {
    const sum = bytes.readUInt32LE(end - TRAILER_BYTES);
    if (crc32(content.subarray(start, start + size)) !== sum) return undefined;
    start += size;
  }
  return content;
}

/** What the beginning of a deflate stream inflates to; undefined where it is none. For short inputs only. */
export function inflateStart(body: Buffer): { content: Buffer; consumed: number } | undefined {
  try {
    const options = { info: true, finishFlush: constants.Z_SYNC_FLUSH };
    const result = inflateRawSync(body, options) as unknown as { buffer: Buffer; engine: InflateRaw };
    return { content: result.buffer, consumed: result.engine.bytesWritten };
  } catch {
    return undefined;
  }
}

/** Output of one step; large against the cost of a step, small against memory. */
const STEP_BYTES = 256 * 1024;

/** How the deflate stream of a member ended. `consumed`: its length in bytes. */
export type StreamEnd =
  | { readonly kind: 'end'; readonly consumed: number; readonly size: number; readonly crc: number }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'corrupt'; readonly detail: string };

/** Inflates a deflate stream of any length, off the main thread and not further ahead than a step or two. */
export async function* inflateStream(
  read: () => Promise<Uint8Array | undefined>,
): AsyncGenerator<Buffer, StreamEnd> {
  // A water mark of one step: zlib then never works on a step while the output of another waits, which an error
  // would throw away.
  const options = { chunkSize: STEP_BYTES, highWaterMark: STEP_BYTES, finishFlush: constants.Z_SYNC_FLUSH };
  const inflate = createInflateRaw(options);
  let failure: Error | undefined;
  let ended = false;
  let wake = (): void => undefined;
  inflate.on('readable', () => wake());
  inflate.on('end', () => {
    ended = true;
    wake();
  });
  inflate.on('error', (error) => {
    failure = error;
    wake();
  });
  let fed = 0;
  let finished = false;
  let accepted = true;
  let size = 0;
  let crc = 0;
  const feed = async (): Promise<void> => {
    accepted = false;
    const chunk = await read();
    if (chunk === undefined) {
      finished = true;
      inflate.end();
      return;
    }
    fed += chunk.length;
    inflate.write(chunk, () => {
      accepted = true;
      wake();
    });
  };
  try {
    for (;;) {
      const content = inflate.read() as Buffer | null;
      if (content !== null) {
        size += content.length;
        crc = crc32(content, crc);
        yield content;
      } else if (failure !== undefined) {
        return { kind: 'corrupt', detail: failure.message };
      } else if (ended) {
        // Without input left, the stream may have ended or been cut: in both cases its trailer is missing.
        const consumed = inflate.bytesWritten;
        return finished && consumed === fed ? { kind: 'truncated' } : { kind: 'end', consumed, size, crc };
      } else if (accepted && !finished) {
        await feed();
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = () => undefined;
      }
    }
  } finally {
    inflate.destroy();
  }
}
