/**
 * Counts pre-tokens. Short ones are keys of four words in an open-addressed table; longer ones are found by their hash
 * and compared in an arena. Counts are doubles, exact up to 2^53: 32 bits overflow on a large corpus.
 */
import { ChunkReader } from '../bpe/chunks.js';
import { hashKey, KEY_MASKS, MAX_KEY_BYTES } from '../bpe/piece-key.js';
import type { TextSource } from '../bpe/source.js';
import { scannerOf, type Pattern } from '../patterns.js';
import { wasmScanArea } from '../wasm/scan-area.js';

const INITIAL_BITS = 14;
const INITIAL_ARENA_BYTES = 1 << 16;

export class PieceCounter {
  /** Bytes that were counted. */
  bytes = 0;
  private readonly chunks: ChunkReader;
  /** Slots of four key words; a slot whose last word is 0 is empty. */
  private keys = new Int32Array(4 << INITIAL_BITS);
  private counts = new Float64Array(1 << INITIAL_BITS);
  private mask = (1 << INITIAL_BITS) - 1;
  private used = 0;

  /** Long pre-tokens: number in the order of appearance, plus 1, by hash. */
  private longTable = new Int32Array(1 << INITIAL_BITS);
  private arena = new Uint8Array(INITIAL_ARENA_BYTES);
  private readonly longEnds: number[] = [];
  private readonly longHashes: number[] = [];
  private readonly longCounts: number[] = [];

  constructor(pattern: Pattern) {
    this.chunks = new ChunkReader(scannerOf(pattern), wasmScanArea(pattern));
  }

  add(source: TextSource): void {
    this.chunks.read(source, (count) => this.countPieces(count));
  }

  /** Number of different pre-tokens. */
  get size(): number {
    return this.used + this.longEnds.length;
  }

  /** Calls `visit` for each different pre-token; `bytes` is valid during the call only. */
  forEach(visit: (bytes: Uint8Array, count: number) => void): void {
    const key = new Uint8Array(16);
    const words = new DataView(key.buffer);
    for (let slot = 0; slot <= this.mask; slot++) {
      const last = this.keys[4 * slot + 3];
      if (last === 0) continue;
      for (let word = 0; word < 4; word++) words.setInt32(4 * word, this.keys[4 * slot + word], true);
      visit(key.subarray(0, last >>> 24), this.counts[slot]);
    }
    let start = 0;
    this.longEnds.forEach((end, index) => {
      visit(this.arena.subarray(start, end), this.longCounts[index]);
      start = end;
    });
  }

  /** Forgets everything, for the memory. */
  clear(): void {
    this.keys = new Int32Array(4 << INITIAL_BITS);
    this.counts = new Float64Array(1 << INITIAL_BITS);
    this.mask = (1 << INITIAL_BITS) - 1;
    this.used = 0;
    this.longTable = new Int32Array(1 << INITIAL_BITS);
    this.arena = new Uint8Array(INITIAL_ARENA_BYTES);
    this.longEnds.length = 0;
    this.longHashes.length = 0;
    this.longCounts.length = 0;
  }

  private countPieces(count: number): void {
    const { ends, text } = this.chunks.area;
    const { view } = text;
    this.bytes += ends[count - 1];
    let { keys, counts, mask } = this;
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index];
      const length = end - start;
      if (length > MAX_KEY_BYTES) {
        this.countLong(start, end);
        start = end;
        continue;
      }
      const masks = length << 2;
      const key0 = view.getInt32(start, true) & KEY_MASKS[masks];
      const key1 = view.getInt32(start + 4, true) & KEY_MASKS[masks + 1];
      const key2 = view.getInt32(start + 8, true) & KEY_MASKS[masks + 2];
      const key3 = (view.getInt32(start + 12, true) & KEY_MASKS[masks + 3]) | (length << 24);
      let slot = hashKey(key0, key1, key2, key3) & mask;
      for (;;) {
        const at = slot << 2;
        if (keys[at + 3] === key3 && keys[at] === key0 && keys[at + 1] === key1 && keys[at + 2] === key2)
          break;
        if (keys[at + 3] === 0) {
          keys[at] = key0;
          keys[at + 1] = key1;
          keys[at + 2] = key2;
          keys[at + 3] = key3;
          this.used += 1;
          break;
        }
        slot = (slot + 1) & mask;
      }
      counts[slot] += 1;
      if (2 * this.used > mask) {
        this.grow();
        ({ keys, counts, mask } = this);
      }
      start = end;
    }
  }

  private grow(): void {
    const { keys, counts } = this;
    const mask = 2 * this.mask + 1;
    const grownKeys = new Int32Array(4 * (mask + 1));
    const grownCounts = new Float64Array(mask + 1);
    for (let from = 0; from <= this.mask; from++) {
      const at = 4 * from;
      if (keys[at + 3] === 0) continue;
      let slot = hashKey(keys[at], keys[at + 1], keys[at + 2], keys[at + 3]) & mask;
      while (grownKeys[4 * slot + 3] !== 0) slot = (slot + 1) & mask;
      grownKeys.set(keys.subarray(at, at + 4), 4 * slot);
      grownCounts[slot] = counts[from];
    }
    this.keys = grownKeys;
    this.counts = grownCounts;
    this.mask = mask;
  }

  private countLong(start: number, end: number): void {
    const { bytes } = this.chunks.area.text;
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    const mask = this.longTable.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (; this.longTable[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.longTable[slot] - 1;
      if (this.longHashes[index] === hash && this.equals(index, start, end)) {
        this.longCounts[index] += 1;
        return;
      }
    }
    const from = this.longEnds.at(-1) ?? 0;
    const to = from + end - start;
    if (to > this.arena.length) {
      const grown = new Uint8Array(Math.max(to, 2 * this.arena.length));
      grown.set(this.arena);
      this.arena = grown;
    }
    this.arena.set(bytes.subarray(start, end), from);
    this.longEnds.push(to);
    this.longHashes.push(hash);
    this.longCounts.push(1);
    this.longTable[slot] = this.longEnds.length;
    if (2 * this.longEnds.length > mask) this.growLong();
  }

  private equals(index: number, start: number, end: number): boolean {
    const from = index === 0 ? 0 : this.longEnds[index - 1];
    if (this.longEnds[index] - from !== end - start) return false;
    for (let at = start; at < end; at++) {
      if (this.arena[from + at - start] !== this.chunks.area.text.bytes[at]) return false;
    }
    return true;
  }

  private growLong(): void {
    const table = new Int32Array(2 * this.longTable.length);
    const mask = table.length - 1;
    this.longHashes.forEach((hash, index) => {
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = index + 1;
    });
    this.longTable = table;
  }
}
