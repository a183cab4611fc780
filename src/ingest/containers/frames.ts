/**
 * Compressed files made of frames that can be walked without decompressing them (zstd, LZ4): any number of frames, with
 * the exact boundaries of each, as a gzip file has members.
 *
 * Invariants: content and damage are a function of the file alone, not of where reading began or how the bytes
 * arrived. Content that a checksum refutes is not delivered, where it is no longer than HELD_BYTES; of a frame that
 * breaks off, what came before is. Offsets and sizes are bytes.
 */
import type { ByteReader } from '../sources/bytes.js';
import { CompressedWindow } from './compressed-window.js';
import type { Damage, Piece } from './pieces.js';

/** Headers of frames and blocks are no longer. */
export const LOOK_AHEAD_BYTES = 32;
/** Length of the magic number of a frame. */
export const FRAME_MAGIC_BYTES = 4;
/** Content of a frame that is held back until its checksum is verified. */
const HELD_BYTES = 4_000_000;
/** Compressed bytes of a frame that stay in memory, to search the next frame in them after damage. */
const SEARCH_BACK_BYTES = 1_000_000;
/** Compressed bytes that are decoded to see whether a magic number begins a frame. */
const PROBE_BYTES = 256 * 1024;
/** Magic numbers 0x184D2A50 to 0x184D2A5F begin frames without content, of zstd and LZ4 alike. */
const SKIPPABLE_MAGIC = 0x184d2a5;
const SKIPPABLE_HEADER_BYTES = 8;

/** A frame is damaged: its bytes make no sense (`garbage`), or refute their checksum or size (`checksum`). */
export class FrameDamage extends Error {
  readonly reason: 'garbage' | 'checksum';

  constructor(reason: 'garbage' | 'checksum', detail: string) {
    super(detail);
    this.reason = reason;
  }
}

export interface FrameFormat {
  /** As a person calls it. */
  readonly name: string;
  /** First bytes of a frame, as a little-endian number. */
  readonly magic: number;
  open(): FrameReader;
}

/** Walks one frame, unit by unit (header, blocks, checksum), and decodes the units in their order. */
export interface FrameReader {
  /**
   * Length of the next unit, told by its first bytes; undefined behind the last one; 'more' where they are too few.
   * @throws FrameDamage
   */
  unit(ahead: Buffer): number | 'more' | undefined;
  /** Content of that unit, in memory of its own. @throws FrameDamage */
  decode(unit: Buffer): readonly Uint8Array[];
  /** What the first bytes of that unit decode to, as far as they reach. */
  decodeStart(unit: Buffer): Uint8Array;
}

/** What begins with these bytes, of which there are at least four. */
function frameKind(format: FrameFormat, bytes: Buffer): 'frame' | 'skippable' | undefined {
  const magic = bytes.readUInt32LE(0);
  if (magic === format.magic) return 'frame';
  return magic >>> 4 === SKIPPABLE_MAGIC ? 'skippable' : undefined;
}

/** Whether a file begins with a frame of this format, perhaps behind skippable ones. */
export function startsWithFrame(format: FrameFormat, bytes: Buffer): boolean {
  return skipSkippable(format, bytes) !== undefined;
}

function skipSkippable(format: FrameFormat, bytes: Buffer): number | undefined {
  let position = 0;
  while (position + SKIPPABLE_HEADER_BYTES <= bytes.length) {
    const kind = frameKind(format, bytes.subarray(position));
    if (kind !== 'skippable') return kind === undefined ? undefined : position;
    position += SKIPPABLE_HEADER_BYTES + bytes.readUInt32LE(position + FRAME_MAGIC_BYTES);
  }
  return undefined;
}

/** The beginning of the content of a file that begins with these bytes: that of its first frame. */
export function frameHead(format: FrameFormat, bytes: Buffer, count: number): Buffer {
  return decodeStart(format, bytes.subarray(skipSkippable(format, bytes) ?? 0), count) ?? Buffer.alloc(0);
}

/** Up to `count` bytes of what the beginning of a frame decodes to; undefined where it is none. */
function decodeStart(format: FrameFormat, bytes: Buffer, count: number): Buffer | undefined {
  const frame = format.open();
  const parts: Uint8Array[] = [];
  let total = 0;
  let position = 0;
  try {
    while (total < count) {
      const length = frame.unit(bytes.subarray(position, position + LOOK_AHEAD_BYTES));
      if (typeof length !== 'number') break;
      if (position + length > bytes.length) {
        parts.push(frame.decodeStart(bytes.subarray(position)));
        break;
      }
      for (const part of frame.decode(bytes.subarray(position, position + length))) {
        parts.push(part);
        total += part.length;
      }
      position += length;
    }
  } catch (error) {
    if (error instanceof FrameDamage) return undefined;
    throw error;
  }
  return position === 0 ? undefined : Buffer.concat(parts).subarray(0, count);
}

/**
 * Pieces of a file from the frame boundary `from` on.
 * @param startsRecord whether content may be the beginning of a frame where reading goes on after damage
 */
export async function* framePieces(
  format: FrameFormat,
  reader: ByteReader,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): AsyncGenerator<Piece> {
  const window = new CompressedWindow(reader, from);
  let position = from;
  for (;;) {
    const bytes = await window.require(position, SKIPPABLE_HEADER_BYTES);
    if (bytes.length === 0) return;
    const kind = bytes.length < FRAME_MAGIC_BYTES ? undefined : frameKind(format, bytes);
    if (kind === 'frame') {
      position = yield* streamFrame(format, window, position, startsRecord);
    } else if (kind === 'skippable' && bytes.length >= SKIPPABLE_HEADER_BYTES) {
      const start = position;
      const end = start + SKIPPABLE_HEADER_BYTES + bytes.readUInt32LE(FRAME_MAGIC_BYTES);
      position = await window.skipTo(end);
      yield position === end ? { kind: 'boundary', file: end } : truncated(format, start, position);
    } else {
      // Zeros between or behind frames are padding of tapes and blocks, not damage.
      const used = await window.skipZeros(position);
      if (used === undefined) return;
      const gap = used > position ? undefined : await readGap(format, window, position, startsRecord);
      yield gap ?? { kind: 'boundary', file: used };
      position = gap?.end ?? used;
    }
    window.discard(position);
  }
}

/** Decodes one frame. Returns where the next one begins. */
async function* streamFrame(
  format: FrameFormat,
  window: CompressedWindow,
  start: number,
  startsRecord: (content: Buffer) => boolean,
): AsyncGenerator<Piece, number> {
  const frame = format.open();
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  let position = start;
  try {
    for (;;) {
      const length = await nextUnit(frame, window, position);
      if (length === undefined) break;
      const unit = (await window.require(position, length)).subarray(0, length);
      if (unit.length < length) {
        const end = await findFrame(format, window, start + 1, startsRecord);
        for (const bytes of held) yield { kind: 'content', bytes };
        yield end === window.end
          ? truncated(format, start, end)
          : garbage(start, end, `a ${format.name} frame runs over later ones`);
        return end;
      }
      for (const bytes of frame.decode(unit)) {
        held.push(bytes);
        heldBytes += bytes.length;
      }
      position += length;
      window.discard(position - SEARCH_BACK_BYTES);
      if (heldBytes > HELD_BYTES) for (const bytes of held.splice(0)) yield { kind: 'content', bytes };
    }
  } catch (error) {
    if (!(error instanceof FrameDamage)) throw error;
    const end = await findFrame(format, window, start + 1, startsRecord);
    if (error.reason === 'garbage') for (const bytes of held) yield { kind: 'content', bytes };
    const detail = `a ${format.name} frame is damaged: ${error.message}`;
    yield { kind: 'damage', start, end, reason: error.reason, detail };
    return end;
  }
  for (const bytes of held) yield { kind: 'content', bytes };
  yield { kind: 'boundary', file: position };
  return position;
}

/** Length of the unit at `position`, one too many where the file ends in its header; undefined behind the last one. */
async function nextUnit(
  frame: FrameReader,
  window: CompressedWindow,
  position: number,
): Promise<number | undefined> {
  const ahead = (await window.require(position, LOOK_AHEAD_BYTES)).subarray(0, LOOK_AHEAD_BYTES);
  const length = frame.unit(ahead);
  return length === 'more' ? ahead.length + 1 : length;
}

/** Bytes that belong to no frame, up to the next one. */
async function readGap(
  format: FrameFormat,
  window: CompressedWindow,
  start: number,
  startsRecord: (content: Buffer) => boolean,
): Promise<Damage> {
  const end = await findFrame(format, window, start + 1, startsRecord);
  return garbage(start, end, `bytes that belong to no ${format.name} frame`);
}

function garbage(start: number, end: number, detail: string): Damage {
  return { kind: 'damage', start, end, reason: 'garbage', detail };
}

function truncated(format: FrameFormat, start: number, end: number): Damage {
  return {
    kind: 'damage',
    start,
    end,
    reason: 'truncated',
    detail: `the file ends in a ${format.name} frame`,
  };
}

/** File offset of the next frame at or behind `from` whose content begins a record; the end of the file if none. */
async function findFrame(
  format: FrameFormat,
  window: CompressedWindow,
  from: number,
  startsRecord: (content: Buffer) => boolean,
): Promise<number> {
  const magic = Buffer.alloc(FRAME_MAGIC_BYTES);
  magic.writeUInt32LE(format.magic);
  let position = Math.max(from, window.start);
  for (;;) {
    const found = window.from(position).indexOf(magic);
    if (found === -1) {
      if (window.complete) return window.end;
      position = Math.max(position, window.end - magic.length + 1);
      window.discard(position);
      await window.grow();
      continue;
    }
    position += found;
    const probe = (await window.require(position, PROBE_BYTES)).subarray(0, PROBE_BYTES);
    const content = decodeStart(format, probe, PROBE_BYTES);
    if (content !== undefined && startsRecord(content)) return position;
    position += 1;
  }
}
