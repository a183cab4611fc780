/**
 * One block of a bzip2 stream -> its content. The format has no specification but its program (bzip2 1.0.8): Huffman
 * codes over move-to-front ranks and runs, the Burrows-Wheeler transform, and runs of bytes under all.
 *
 * Blocks begin at any bit, so positions here are bits.
 */
import { FrameDamage } from './frames.js';

/** Content of a block before its last run-length coding, per level 1 to 9. */
export const LEVEL_BYTES = 100_000;
/** Compressed bytes of the largest block: 900,000 symbols of at most 20 bits, and its tables. */
export const MAX_BLOCK_BYTES = 2_400_000;

const MAX_CODE_BITS = 20;
const GROUP_SYMBOLS = 50;
const MAX_SELECTORS = 18_002;
/** Codes up to this length are decoded by one look into a table. */
const FAST_BITS = 10;
const RUN_A = 0;
const RUN_B = 1;

/** The bytes end before what is read. */
export class OutOfBytes extends Error {}

/** Reads bits, the highest of a byte first. */
export class BitReader {
  private readonly bytes: Uint8Array;
  private next: number;
  /** The last `count` bits of it are not read yet. */
  private bits = 0;
  private count = 0;

  /** @param position in bits */
  constructor(bytes: Uint8Array, position: number) {
    this.bytes = bytes;
    this.next = position >> 3;
    if ((position & 7) !== 0) this.read(position & 7);
  }

  get position(): number {
    return this.next * 8 - this.count;
  }

  /** Up to 24 bits. @throws OutOfBytes */
  read(count: number): number {
    while (this.count < count) {
      if (this.next >= this.bytes.length) throw new OutOfBytes();
      this.bits = (this.bits << 8) | this.bytes[this.next++];
      this.count += 8;
    }
    this.count -= count;
    return (this.bits >>> this.count) & ((1 << count) - 1);
  }

  /** The next symbol of a code. @throws OutOfBytes, FrameDamage */
  symbol(code: Code): number {
    while (this.count < FAST_BITS && this.next < this.bytes.length) {
      this.bits = (this.bits << 8) | this.bytes[this.next++];
      this.count += 8;
    }
    if (this.count >= FAST_BITS) {
      const found = code.fast[(this.bits >>> (this.count - FAST_BITS)) & ((1 << FAST_BITS) - 1)];
      if (found !== 0) {
        this.count -= found >>> 16;
        return found & 0xffff;
      }
    }
    let value = 0;
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      value = (value << 1) | this.read(1);
      const index = value - code.first[length];
      if (index >= 0 && index < code.counts[length]) return code.symbols[code.starts[length] + index];
    }
    throw new FrameDamage('garbage', 'bits that are no symbol of their code');
  }
}

/** A canonical prefix code: symbols in order of the lengths of their codes. */
interface Code {
  readonly symbols: Uint16Array;
  /** Per length: the first code, how many there are, and where their symbols begin. */
  readonly first: Int32Array;
  readonly counts: Int32Array;
  readonly starts: Int32Array;
  /** Length and symbol by the next bits; 0 where the code is longer. */
  readonly fast: Int32Array;
}

function buildCode(lengths: Uint8Array): Code {
  const counts = new Int32Array(MAX_CODE_BITS + 1);
  for (const length of lengths) counts[length] += 1;
  const first = new Int32Array(MAX_CODE_BITS + 1);
  const starts = new Int32Array(MAX_CODE_BITS + 1);
  let code = 0;
  let start = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length++) {
    first[length] = code;
    starts[length] = start;
    start += counts[length];
    code = (code + counts[length]) << 1;
    if (code > 2 << length) throw new FrameDamage('garbage', 'a code with too many symbols');
  }
  const symbols = new Uint16Array(lengths.length);
  const fast = new Int32Array(1 << FAST_BITS);
  const next = starts.slice();
  lengths.forEach((length, symbol) => {
    const index = next[length]++;
    symbols[index] = symbol;
    if (length > FAST_BITS) return;
    const from = (first[length] + index - starts[length]) << (FAST_BITS - length);
    fast.fill((length << 16) | symbol, from, from + (1 << (FAST_BITS - length)));
  });
  return { symbols, first, counts, starts, fast };
}

/** Memory of one decoder, used again from block to block. */
export class BlockDecoder {
  /** Byte i of the transformed block in the lowest 8 bits, where its successor is in the others. */
  private readonly links: Int32Array;
  private readonly limit: number;

  /** @param level 1 to 9, of the stream's header */
  constructor(level: number) {
    this.limit = level * LEVEL_BYTES;
    this.links = new Int32Array(this.limit);
  }

  /**
   * Content of the block whose magic number and checksum (`sum`) are read already.
   * @throws OutOfBytes; FrameDamage where it does not decode or the checksum does not fit
   */
  decode(bits: BitReader, sum: number): Uint8Array {
    if (bits.read(1) === 1) throw new FrameDamage('garbage', 'a randomised block, as bzip2 0.9 made them');
    const origin = bits.read(24);
    const length = this.readRanks(bits);
    if (origin >= length) throw new FrameDamage('garbage', 'a block that begins behind its end');
    const content = this.untransform(origin, length);
    if (blockSum(content) !== sum)
      throw new FrameDamage('checksum', 'the checksum of a block does not fit it');
    return content;
  }

  /** Undoes Huffman coding and moving to the front; fills the bytes of `links`, and returns how many there are. */
  private readRanks(bits: BitReader): number {
    const { links, limit } = this;
    const ranks = readAlphabet(bits);
    if (ranks.length === 0) throw new FrameDamage('garbage', 'a block without symbols');
    const endOfBlock = ranks.length + 1;
    const groups = bits.read(3);
    if (groups < 2 || groups > 6) throw new FrameDamage('garbage', `a block of ${groups} codes`);
    const selectors = readSelectors(bits, groups);
    const codes = Array.from({ length: groups }, () => readCode(bits, ranks.length + 2));
    let length = 0;
    let run = 0;
    let weight = 1;
    for (const selector of selectors) {
      const code = codes[selector];
      for (let i = 0; i < GROUP_SYMBOLS; i++) {
        const symbol = bits.symbol(code);
        if (symbol === RUN_A || symbol === RUN_B) {
          // A run's length in bijective base 2, the lowest digit first.
          run += weight << symbol;
          weight <<= 1;
          if (run > limit) throw new FrameDamage('garbage', 'a run that is longer than its block');
          continue;
        }
        if (run > 0) {
          if (length + run > limit)
            throw new FrameDamage('garbage', 'a block that is longer than its level allows');
          links.fill(ranks[0], length, length + run);
          length += run;
          run = 0;
          weight = 1;
        }
        if (symbol === endOfBlock) return length;
        if (length === limit)
          throw new FrameDamage('garbage', 'a block that is longer than its level allows');
        const byte = ranks[symbol - 1];
        // A call costs more than moving a few bytes.
        if (symbol > 32) ranks.copyWithin(1, 0, symbol - 1);
        else for (let rank = symbol - 1; rank > 0; rank--) ranks[rank] = ranks[rank - 1];
        ranks[0] = byte;
        links[length++] = byte;
      }
    }
    throw new FrameDamage('garbage', 'a block without an end');
  }

  /** Undoes the Burrows-Wheeler transform and the runs of bytes under it. */
  private untransform(origin: number, length: number): Uint8Array {
    const { links } = this;
    const next = new Int32Array(256);
    for (let i = 0; i < length; i++) next[links[i] & 0xff] += 1;
    let sum = 0;
    for (let byte = 0; byte < 256; byte++) {
      const count = next[byte];
      next[byte] = sum;
      sum += count;
    }
    for (let i = 0; i < length; i++) links[next[links[i] & 0xff]++] |= i << 8;
    let out = new Uint8Array(length + (length >> 3) + 256);
    let written = 0;
    let position = links[origin] >>> 8;
    let previous = -1;
    let repeated = 0;
    for (let i = 0; i < length; i++) {
      const link = links[position];
      const byte = link & 0xff;
      position = link >>> 8;
      const more = repeated === 4 ? byte : 1;
      if (written + more > out.length) {
        const larger = new Uint8Array(2 * out.length + more);
        larger.set(out);
        out = larger;
      }
      if (repeated === 4) {
        // Four equal bytes are followed by the number of those that are left out.
        out.fill(previous, written, written + byte);
        written += byte;
        repeated = 0;
        previous = -1;
        continue;
      }
      repeated = byte === previous ? repeated + 1 : 1;
      previous = byte;
      out[written++] = byte;
    }
    return out.subarray(0, written);
  }
}

/** Bytes that occur in a block, in order: the ranks that moving to the front begins with. */
function readAlphabet(bits: BitReader): Uint8Array {
  const used = bits.read(16);
  const bytes: number[] = [];
  for (let high = 0; high < 16; high++) {
    if (((used >> (15 - high)) & 1) === 0) continue;
    const low = bits.read(16);
    for (let i = 0; i < 16; i++) if (((low >> (15 - i)) & 1) === 1) bytes.push(high * 16 + i);
  }
  return Uint8Array.from(bytes);
}

/** Which code each group of symbols uses. */
function readSelectors(bits: BitReader, groups: number): Uint8Array {
  const count = bits.read(15);
  if (count === 0) throw new FrameDamage('garbage', 'a block without codes');
  const ranks = Array.from({ length: groups }, (_, index) => index);
  const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS));
  for (let i = 0; i < count; i++) {
    let rank = 0;
    while (bits.read(1) === 1) {
      rank += 1;
      if (rank === groups) throw new FrameDamage('garbage', 'a code that is not there');
    }
    const [selector] = ranks.splice(rank, 1);
    ranks.unshift(selector);
    // Some programs write more than a block can use.
    if (i < selectors.length) selectors[i] = selector;
  }
  return selectors;
}

function readCode(bits: BitReader, symbols: number): Code {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw new FrameDamage('garbage', `a code of ${length} bits`);
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return buildCode(lengths);
}

const SUM_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value < 0 ? 0x04c1_1db7 : 0);
  return value >>> 0;
});

/** CRC-32 with the highest bit first, unlike that of gzip. */
function blockSum(bytes: Uint8Array): number {
  let sum = -1;
  for (let i = 0; i < bytes.length; i++) sum = (sum << 8) ^ SUM_TABLE[((sum >>> 24) ^ bytes[i]) & 0xff];
  return ~sum >>> 0;
}
