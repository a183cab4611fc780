/**
 * LZ4 frames (LZ4 Frame Format 1.6.4) and their blocks (LZ4 Block Format). Ours, because no kept package reads frames;
 * checksums by xxhash.
 */
import xxhash, { type XXHash } from 'xxhash-wasm';
import { FrameDamage, type FrameFormat, type FrameReader } from './frames.js';

const hash = await xxhash();

/** How far back a match may reach, also into earlier blocks. */
const WINDOW_BYTES = 64 * 1024;
const BLOCK_BYTES = [64 * 1024, 256 * 1024, 1024 * 1024, 4 * 1024 * 1024];
const UNCOMPRESSED = 0x8000_0000;
const SUM_BYTES = 4;
const MIN_MATCH = 4;

export const LZ4: FrameFormat = { name: 'LZ4', magic: 0x184d2204, open: () => new Lz4Frame() };

interface Header {
  readonly length: number;
  readonly linked: boolean;
  readonly blockSums: boolean;
  readonly contentSum: boolean;
  readonly contentBytes: number | undefined;
  readonly maxBlock: number;
}

class Lz4Frame implements FrameReader {
  private stage: 'header' | 'block' | 'checksum' | 'end' = 'header';
  private header: Header | undefined;
  private readonly sum: XXHash<number> = hash.create32();
  private size = 0;
  /** The last bytes of content, for matches into earlier blocks. */
  private history: Uint8Array = new Uint8Array(0);

  unit(ahead: Buffer): number | 'more' | undefined {
    switch (this.stage) {
      case 'header':
        this.header = parseHeader(ahead);
        return this.header?.length ?? 'more';
      case 'block': {
        if (ahead.length < 4) return 'more';
        const { maxBlock, blockSums } = this.header as Header;
        const word = ahead.readUInt32LE(0);
        if (word === 0) return 4;
        const size = word & ~UNCOMPRESSED;
        if (size > maxBlock) throw new FrameDamage('garbage', `a block of ${size} bytes`);
        return 4 + size + (blockSums ? SUM_BYTES : 0);
      }
      case 'checksum':
        return SUM_BYTES;
      default:
        return undefined;
    }
  }

  decode(unit: Buffer): readonly Uint8Array[] {
    const header = this.header as Header;
    switch (this.stage) {
      case 'header':
        this.stage = 'block';
        return [];
      case 'block': {
        const word = unit.readUInt32LE(0);
        if (word !== 0) return this.decodeBlock(unit, word);
        this.stage = header.contentSum ? 'checksum' : 'end';
        if (header.contentBytes !== undefined && header.contentBytes !== this.size) {
          throw new FrameDamage(
            'checksum',
            `${this.size} bytes of content instead of ${header.contentBytes}`,
          );
        }
        return [];
      }
      default:
        this.stage = 'end';
        if (this.sum.digest() !== unit.readUInt32LE(0)) {
          throw new FrameDamage('checksum', 'its checksum does not fit its content');
        }
        return [];
    }
  }

  decodeStart(unit: Buffer): Uint8Array {
    if (this.stage !== 'block' || unit.length < 4) return new Uint8Array(0);
    const block = unit.subarray(4);
    if (unit.readUInt32LE(0) >= UNCOMPRESSED) return block;
    return decodeLz4Block(block, (this.header as Header).maxBlock, this.history, true);
  }

  private decodeBlock(unit: Buffer, word: number): Uint8Array[] {
    const { blockSums, contentSum, linked, maxBlock } = this.header as Header;
    const end = unit.length - (blockSums ? SUM_BYTES : 0);
    const block = unit.subarray(4, end);
    if (blockSums && hash.h32Raw(block) !== unit.readUInt32LE(end)) {
      throw new FrameDamage('checksum', 'the checksum of a block does not fit it');
    }
    // `word` is unsigned: its highest bit says that the block is stored as it is.
    const content =
      word >= UNCOMPRESSED ? Uint8Array.from(block) : decodeLz4Block(block, maxBlock, this.history, false);
    if (linked) this.history = tail(this.history, content);
    if (contentSum) this.sum.update(content);
    this.size += content.length;
    return [content];
  }
}

function tail(before: Uint8Array, content: Uint8Array): Uint8Array {
  if (content.length >= WINDOW_BYTES) return content.subarray(content.length - WINDOW_BYTES);
  const kept = before.subarray(Math.max(0, before.length + content.length - WINDOW_BYTES));
  return Buffer.concat([kept, content]);
}

/** Undefined where the bytes are too few. @throws FrameDamage */
function parseHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < 7) return undefined;
  const flags = bytes[4];
  const hasSize = (flags & 0x08) !== 0;
  const hasDictionary = (flags & 0x01) !== 0;
  const length = 7 + (hasSize ? 8 : 0) + (hasDictionary ? 4 : 0);
  if (bytes.length < length) return undefined;
  if (flags >> 6 !== 1) throw new FrameDamage('garbage', `version ${flags >> 6} of the format`);
  if (((hash.h32Raw(bytes.subarray(4, length - 1)) >> 8) & 0xff) !== bytes[length - 1]) {
    throw new FrameDamage('checksum', 'the checksum of its header does not fit it');
  }
  if (hasDictionary) throw new FrameDamage('garbage', 'it was made with a dictionary, which is not here');
  const maxBlock = BLOCK_BYTES[((bytes[5] >> 4) & 7) - 4] as number | undefined;
  if (maxBlock === undefined) throw new FrameDamage('garbage', 'an unknown size of blocks');
  return {
    length,
    linked: (flags & 0x20) === 0,
    blockSums: (flags & 0x10) !== 0,
    contentSum: (flags & 0x04) !== 0,
    contentBytes: hasSize ? Number(bytes.readBigUInt64LE(6)) : undefined,
    maxBlock,
  };
}

/** Copies that are shorter than this are made byte by byte: a call costs more. */
const SHORT_COPY = 24;

/**
 * @param limit the largest content that the frame allows a block
 * @param isCut the block goes on behind what is given, of which all that can be decoded is wanted
 * @throws FrameDamage
 */
function decodeLz4Block(block: Uint8Array, limit: number, history: Uint8Array, isCut: boolean): Uint8Array {
  const start = history.length;
  const out = roomFor(start + limit);
  out.set(history);
  let read = 0;
  let write = start;
  /** A length of 15 goes on in bytes, each of 255 with one more; -1 where the block ends in them. */
  const extend = (): number => {
    let total = 15;
    while (read < block.length) {
      const more = block[read++];
      total += more;
      if (more !== 255) return total;
    }
    return -1;
  };
  while (read < block.length) {
    const token = block[read++];
    const literals = token >> 4 === 15 ? extend() : token >> 4;
    if (literals < 0 || read + literals > block.length || write + literals > start + limit) return broken();
    if (literals < SHORT_COPY) {
      for (const end = write + literals; write < end;) out[write++] = block[read++];
    } else {
      out.set(block.subarray(read, read + literals), write);
      read += literals;
      write += literals;
    }
    if (read === block.length) break;
    const distance = read + 2 > block.length ? 0 : block[read] | (block[read + 1] << 8);
    read += 2;
    const more = (token & 15) === 15 ? extend() : token & 15;
    if (more < 0 || distance === 0 || distance > write || write + more + MIN_MATCH > start + limit) {
      return broken();
    }
    const end = write + more + MIN_MATCH;
    if (end - write < SHORT_COPY || distance < end - write) {
      // A match may reach into what it writes: a run, which comes out right in this order.
      for (let from = write - distance; write < end;) out[write++] = out[from++];
    } else {
      out.copyWithin(write, write - distance, end - distance);
      write = end;
    }
  }
  return out.slice(start, write);

  function broken(): Uint8Array {
    if (isCut) return out.slice(start, write);
    throw new FrameDamage('garbage', 'a block that does not decode');
  }
}

/** Blocks are decoded one after the other, each in the same room; what came before in it does not matter. */
let room = new Uint8Array(0);

function roomFor(bytes: number): Uint8Array {
  if (room.length < bytes) room = new Uint8Array(bytes);
  return room;
}
