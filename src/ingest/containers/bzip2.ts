/**
 * Bzip2 files of any number of streams, with the exact boundaries of the streams. Decoded here, block by block, since
 * neither Node nor a kept package reads streams and tells where they end.
 *
 * Invariants: those of the other containers: content and damage are a function of the file alone; content that a
 * checksum refutes is not delivered; a block at a time is in memory, of at most 2.4 MB compressed and 47 MB unpacked.
 */
import type { ByteReader } from '../sources/bytes.js';
import { BitReader, BlockDecoder, MAX_BLOCK_BYTES, OutOfBytes } from './bzip2-block.js';
import { CompressedWindow } from './compressed-window.js';
import { FrameDamage } from './frames.js';
import type { Damage, Piece } from './pieces.js';

const STREAM_HEADER_BYTES = 4;
/** The digits of pi begin a block, those of its square root end a stream: 48 bits each, here in two halves. */
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;
const SIGNATURE = Buffer.from('BZh');
/** Enough for the first block of a file, which cannot be decoded in part. */
export const BZIP2_HEAD_BYTES = MAX_BLOCK_BYTES + 64;
/** Header, and a magic number behind it: what is looked for. */
const LOOK_BYTES = STREAM_HEADER_BYTES + 6;
/** Magic number and checksum of a block or of the end of a stream, from any bit on. */
const MARK_BYTES = 11;
/** Compressed bytes of a stream that stay in memory, to search the next stream in them after damage. */
const SEARCH_BACK_BYTES = 1_000_000;

/** Content that is looked at to see whether a record begins in it. */
const PROBE_BYTES = 4096;

/** Level of a stream that begins there; undefined where none does. */
function streamLevel(bytes: Uint8Array): number | undefined {
  if (bytes.length < LOOK_BYTES || !SIGNATURE.equals(bytes.subarray(0, 3))) return undefined;
  const level = bytes[3] - 0x30;
  if (level < 1 || level > 9) return undefined;
  const magic = [
    (bytes[4] << 16) | (bytes[5] << 8) | bytes[6],
    (bytes[7] << 16) | (bytes[8] << 8) | bytes[9],
  ];
  const begins = [BLOCK_MAGIC, END_MAGIC].some(([high, low]) => magic[0] === high && magic[1] === low);
  return begins ? level : undefined;
}

export function startsWithBzip2(bytes: Uint8Array): boolean {
  return streamLevel(bytes) !== undefined;
}

/** The beginning of the content of a file that begins with these bytes: that of its first blocks, as far as they are whole. */
export function bzip2Head(bytes: Buffer, count: number): Buffer {
  const parts: Uint8Array[] = [];
  let total = 0;
  let start = 0;
  try {
    for (let level = streamLevel(bytes); level !== undefined && total < count;) {
      const decoder = new BlockDecoder(level);
      let position = 8 * STREAM_HEADER_BYTES;
      const stream = bytes.subarray(start);
      for (;;) {
        const step = readStep(stream, position, decoder);
        position = step.position;
        if (step.content === undefined) break;
        parts.push(step.content);
        total += step.content.length;
        if (total >= count) break;
      }
      start += Math.ceil(position / 8);
      level = streamLevel(bytes.subarray(start));
    }
  } catch (error) {
    if (!(error instanceof FrameDamage || error instanceof OutOfBytes)) throw error;
  }
  return Buffer.concat(parts).subarray(0, count);
}

interface Step {
  /** Of the next block or the end mark, in bits. */
  readonly position: number;
  /** Undefined behind the last block. */
  readonly content: Uint8Array | undefined;
  /** Checksum of the block, or of all of the stream. */
  readonly sum: number;
}

/** Reads a block or the end of a stream. @throws OutOfBytes, FrameDamage */
function readStep(bytes: Uint8Array, position: number, decoder: BlockDecoder): Step {
  const bits = new BitReader(bytes, position);
  const high = bits.read(24);
  const low = bits.read(24);
  const sum = ((bits.read(16) << 16) | bits.read(16)) >>> 0;
  if (high === END_MAGIC[0] && low === END_MAGIC[1])
    return { position: bits.position, content: undefined, sum };
  if (high !== BLOCK_MAGIC[0] || low !== BLOCK_MAGIC[1]) {
    throw new FrameDamage('garbage', 'neither a block nor the end of a stream');
  }
  const content = decoder.decode(bits, sum);
  return { position: bits.position, content, sum };
}

/**
 * Pieces of a bzip2 file from the stream boundary `from` on.
 * @param startsRecord whether content may be the beginning of a stream where reading goes on after damage
 */
export async function* bzip2Pieces(
  reader: ByteReader,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): AsyncGenerator<Piece> {
  const window = new CompressedWindow(reader, from);
  let position = from;
  for (;;) {
    const bytes = await window.require(position, LOOK_BYTES);
    if (bytes.length === 0) return;
    const level = streamLevel(bytes);
    if (level === undefined) {
      // Zeros between or behind streams are padding of tapes and blocks, not damage.
      const used = await window.skipZeros(position);
      if (used === undefined) return;
      if (used > position) {
        yield { kind: 'boundary', file: used };
        position = used;
      } else {
        const damage = await readGap(window, position, startsRecord);
        yield damage;
        position = damage.end;
      }
    } else {
      position = yield* streamBlocks(window, position, level, startsRecord);
    }
    window.discard(position);
  }
}

/** Decodes one stream. Returns where the next one begins. */
async function* streamBlocks(
  window: CompressedWindow,
  start: number,
  level: number,
  startsRecord: (content: Buffer) => boolean,
): AsyncGenerator<Piece, number> {
  const decoder = new BlockDecoder(level);
  let sum = 0;
  /** File offset of the byte, and the bit in it, where the next block begins. */
  let file = start + STREAM_HEADER_BYTES;
  let bit = 0;
  try {
    for (;;) {
      // Most blocks are far smaller, but none may be cut off.
      const bytes = (await window.require(file, MAX_BLOCK_BYTES + MARK_BYTES)).subarray(
        0,
        MAX_BLOCK_BYTES + MARK_BYTES,
      );
      const step = readStep(bytes, bit, decoder);
      if (step.content === undefined) {
        const end = file + Math.ceil(step.position / 8);
        if (step.sum !== sum) {
          const detail = 'the checksum of a bzip2 stream does not fit its blocks';
          yield { kind: 'damage', start, end, reason: 'checksum', detail };
        } else {
          yield { kind: 'boundary', file: end };
        }
        return end;
      }
      sum = (((sum << 1) | (sum >>> 31)) ^ step.sum) >>> 0;
      file += step.position >> 3;
      bit = step.position & 7;
      window.discard(file - SEARCH_BACK_BYTES);
      yield { kind: 'content', bytes: step.content };
    }
  } catch (error) {
    if (!(error instanceof FrameDamage || error instanceof OutOfBytes)) throw error;
    const end = await findStream(window, start + 1, startsRecord);
    const isCut = error instanceof OutOfBytes && end === window.end;
    const detail = isCut
      ? 'the file ends in a bzip2 stream'
      : `a bzip2 stream is damaged: ${error instanceof OutOfBytes ? 'it runs over later ones' : error.message}`;
    const reason = isCut ? 'truncated' : error instanceof FrameDamage ? error.reason : 'garbage';
    yield { kind: 'damage', start, end, reason, detail };
    return end;
  }
}

/** Bytes that belong to no stream, up to the next one. */
async function readGap(
  window: CompressedWindow,
  start: number,
  startsRecord: (content: Buffer) => boolean,
): Promise<Damage> {
  const end = await findStream(window, start + 1, startsRecord);
  const known = window.from(start).subarray(0, SIGNATURE.length);
  const isCut =
    end === window.end && end - start < LOOK_BYTES && SIGNATURE.subarray(0, known.length).equals(known);
  return isCut
    ? {
        kind: 'damage',
        start,
        end,
        reason: 'truncated',
        detail: 'the file ends in the header of a bzip2 stream',
      }
    : { kind: 'damage', start, end, reason: 'garbage', detail: 'bytes that belong to no bzip2 stream' };
}

/** File offset of the next stream at or behind `from` whose content begins a record; the end of the file if none. */
async function findStream(
  window: CompressedWindow,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): Promise<number> {
  let position = Math.max(from, window.start);
  for (;;) {
    const found = window.from(position).indexOf(SIGNATURE);
    if (found === -1) {
      if (window.complete) return window.end;
      position = Math.max(position, window.end - SIGNATURE.length + 1);
      window.discard(position);
      await window.grow();
      continue;
    }
    position += found;
    // A whole block, because nothing of it can be decoded before all of it is there.
    const probe = await window.require(position, LOOK_BYTES);
    if (startsWithBzip2(probe)) {
      const bytes = await window.require(position, MAX_BLOCK_BYTES + MARK_BYTES);
      const content = bzip2Head(bytes.subarray(0, MAX_BLOCK_BYTES + MARK_BYTES), PROBE_BYTES);
      if (startsRecord(content)) return position;
    }
    position += 1;
  }
}
