/**
 * Counts pre-tokens. Short ones are keys of four words in an open-addressed table; longer ones are found by their hash
 * and compared in an arena. Counts are doubles, exact up to 2^53: 32 bits overflow on a large corpus.
 *
 * Memory is bounded by a number of different pre-tokens. Where there are more, the rarest are left out, down to half of
 * the bound, and `leftOut` tells: counts are exact only where it is 0.
 */
import { ChunkReader } from '../bpe/chunks.js';
import { hashKey, KEY_MASKS, MAX_KEY_BYTES } from '../bpe/piece-key.js';
import type { TextSource } from '../bpe/source.js';
import { scannerOf, type Pattern } from '../patterns.js';
import { wasmScanArea } from '../wasm/scan-area.js';

const INITIAL_BITS = 14;
const INITIAL_ARENA_BYTES = 1 << 16;

/** Pre-tokens more frequent than this are never left out, whatever the bound. */
const MAX_FLOOR = 1 << 16;

/** Entries a page: tables grow by pages, so that nothing is copied and none of it is in memory twice. */
const PAGE_BITS = 13;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

export class PieceCounter {
  /** Bytes that were counted. */
  bytes = 0;
  /** How often a pre-token was left out for the bound; those left out occurred at most `floor` times when they were. */
  leftOut = 0;
  floor = 0;
  private readonly maxPieces: number;
  private readonly chunks: ChunkReader;
  /** Entries in the order of appearance, by pages: four key words, and a count. */
  private readonly keyPages: Int32Array[] = [];
  private readonly countPages: Float64Array[] = [];
  private used = 0;
  /** Open-addressed: number of an entry plus 1, 0 where none is. */
  private index = new Int32Array(1 << INITIAL_BITS);

  /** Long pre-tokens: number in the order of appearance, plus 1, by hash. */
  private longTable = new Int32Array(1 << INITIAL_BITS);
  private arena = new Uint8Array(INITIAL_ARENA_BYTES);
  private readonly longEnds: number[] = [];
  private readonly longHashes: number[] = [];
  private readonly longCounts: number[] = [];

  /** @param maxPieces different pre-tokens to keep */
  constructor(pattern: Pattern, maxPieces = Infinity) {
    this.maxPieces = maxPieces;
    this.chunks = new ChunkReader(scannerOf(pattern), wasmScanArea(pattern));
  }

  add(source: TextSource): void {
    this.chunks.read(source, (count) => {
      this.countPieces(count);
      if (this.size > this.maxPieces) this.leaveOutRarest();
    });
  }

  /** Adds what another counter counted: pre-tokens end to end, piece i before `ends[i]`, and how often each occurred. */
  addCounted(counted: {
    readonly bytes: Uint8Array;
    readonly ends: Float64Array;
    readonly counts: Float64Array;
    readonly leftOut: number;
    readonly floor: number;
  }): void {
    const { bytes, ends, counts } = counted;
    const key = new Uint8Array(16);
    const words = new DataView(key.buffer);
    let start = 0;
    for (let piece = 0; piece < ends.length; piece++) {
      const end = ends[piece];
      const length = end - start;
      if (length > MAX_KEY_BYTES) {
        this.addLong(bytes, start, end, counts[piece]);
      } else {
        key.fill(0);
        key.set(bytes.subarray(start, end));
        key[15] = length;
        this.addKey(
          words.getInt32(0, true),
          words.getInt32(4, true),
          words.getInt32(8, true),
          words.getInt32(12, true),
          counts[piece],
        );
      }
      start = end;
      if (this.size > this.maxPieces) this.leaveOutRarest();
    }
    this.leftOut += counted.leftOut;
    this.floor = Math.max(this.floor, counted.floor);
  }

  /** Number of different pre-tokens. */
  get size(): number {
    return this.used + this.longEnds.length;
  }

  /** Calls `visit` for each different pre-token; `bytes` is valid during the call only. */
  forEach(visit: (bytes: Uint8Array, count: number) => void): void {
    const key = new Uint8Array(16);
    const words = new DataView(key.buffer);
    for (let entry = 0; entry < this.used; entry++) {
      const keys = this.keyPages[entry >> PAGE_BITS];
      const at = (entry & PAGE_MASK) << 2;
      for (let word = 0; word < 4; word++) words.setInt32(4 * word, keys[at + word], true);
      visit(key.subarray(0, keys[at + 3] >>> 24), this.countPages[entry >> PAGE_BITS][entry & PAGE_MASK]);
    }
    let start = 0;
    this.longEnds.forEach((end, index) => {
      visit(this.arena.subarray(start, end), this.longCounts[index]);
      start = end;
    });
  }

  /** Forgets everything, for the memory. */
  clear(): void {
    this.keyPages.length = 0;
    this.countPages.length = 0;
    this.used = 0;
    this.index = new Int32Array(1 << INITIAL_BITS);
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
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index];
      const length = end - start;
      if (length > MAX_KEY_BYTES) {
        this.addLong(text.bytes, start, end, 1);
      } else {
        const masks = length << 2;
        this.addKey(
          view.getInt32(start, true) & KEY_MASKS[masks],
          view.getInt32(start + 4, true) & KEY_MASKS[masks + 1],
          view.getInt32(start + 8, true) & KEY_MASKS[masks + 2],
          (view.getInt32(start + 12, true) & KEY_MASKS[masks + 3]) | (length << 24),
          1,
        );
      }
      start = end;
    }
  }

  private addKey(key0: number, key1: number, key2: number, key3: number, count: number): void {
    const { keyPages, index } = this;
    const mask = index.length - 1;
    let slot = hashKey(key0, key1, key2, key3) & mask;
    let entry = index[slot] - 1;
    while (entry >= 0) {
      const keys = keyPages[entry >> PAGE_BITS];
      const at = (entry & PAGE_MASK) << 2;
      if (keys[at] === key0 && keys[at + 1] === key1 && keys[at + 2] === key2 && keys[at + 3] === key3) break;
      slot = (slot + 1) & mask;
      entry = index[slot] - 1;
    }
    if (entry < 0) {
      entry = this.addEntry(key0, key1, key2, key3);
      index[slot] = entry + 1;
      if (2 * this.used > mask) this.makeIndex(2 * index.length);
    }
    this.countPages[entry >> PAGE_BITS][entry & PAGE_MASK] += count;
  }

  private addEntry(key0: number, key1: number, key2: number, key3: number): number {
    const entry = this.used++;
    if ((entry & PAGE_MASK) === 0) {
      this.keyPages.push(new Int32Array(4 << PAGE_BITS));
      this.countPages.push(new Float64Array(1 << PAGE_BITS));
    }
    const keys = this.keyPages[entry >> PAGE_BITS];
    const at = (entry & PAGE_MASK) << 2;
    keys[at] = key0;
    keys[at + 1] = key1;
    keys[at + 2] = key2;
    keys[at + 3] = key3;
    return entry;
  }

  private makeIndex(size: number): void {
    const table = new Int32Array(size);
    const mask = table.length - 1;
    for (let entry = 0; entry < this.used; entry++) {
      const keys = this.keyPages[entry >> PAGE_BITS];
      const at = (entry & PAGE_MASK) << 2;
      let slot = hashKey(keys[at], keys[at + 1], keys[at + 2], keys[at + 3]) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = entry + 1;
    }
    this.index = table;
  }

  private addLong(bytes: Uint8Array, start: number, end: number, count: number): void {
    // FNV-1a.
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at], 0x01000193);
    const mask = this.longTable.length - 1;
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (; this.longTable[slot] !== 0; slot = (slot + 1) & mask) {
      const index = this.longTable[slot] - 1;
      if (this.longHashes[index] === hash && this.equals(index, bytes, start, end)) {
        this.longCounts[index] += count;
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
    this.longCounts.push(count);
    this.longTable[slot] = this.longEnds.length;
    if (2 * this.longEnds.length > mask) this.makeLongTable(2 * this.longTable.length);
  }

  private equals(index: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = index === 0 ? 0 : this.longEnds[index - 1];
    if (this.longEnds[index] - from !== end - start) return false;
    for (let at = start; at < end; at++) {
      if (this.arena[from + at - start] !== bytes[at]) return false;
    }
    return true;
  }

  private makeLongTable(size: number): void {
    const table = new Int32Array(size);
    const mask = table.length - 1;
    this.longHashes.forEach((hash, index) => {
      let slot = (hash ^ (hash >>> 15)) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = index + 1;
    });
    this.longTable = table;
  }

  /** Leaves out all pre-tokens up to the lowest count with which at most half of the bound remain. */
  private leaveOutRarest(): void {
    const before = this.size;
    const floor = this.lowestFloor(Math.floor(this.maxPieces / 2));
    let kept = 0;
    for (let entry = 0; entry < this.used; entry++) {
      const count = this.countPages[entry >> PAGE_BITS][entry & PAGE_MASK];
      if (count <= floor) continue;
      const from = (entry & PAGE_MASK) << 2;
      const keys = this.keyPages[entry >> PAGE_BITS].subarray(from, from + 4);
      this.keyPages[kept >> PAGE_BITS].set(keys, (kept & PAGE_MASK) << 2);
      this.countPages[kept >> PAGE_BITS][kept & PAGE_MASK] = count;
      kept += 1;
    }
    // Entries are made by adding to their counts.
    for (let entry = kept; entry < this.used; entry++)
      this.countPages[entry >> PAGE_BITS][entry & PAGE_MASK] = 0;
    this.used = kept;
    this.keyPages.length = this.countPages.length = Math.ceil(kept / (1 << PAGE_BITS));
    this.makeIndex(this.index.length);
    this.leaveOutLong(floor);
    this.leftOut += before - this.size;
    this.floor = Math.max(this.floor, floor);
  }

  private leaveOutLong(floor: number): void {
    let kept = 0;
    let start = 0;
    let end = 0;
    for (let index = 0; index < this.longEnds.length; index++) {
      const next = this.longEnds[index];
      if (this.longCounts[index] > floor) {
        this.arena.copyWithin(end, start, next);
        end += next - start;
        this.longEnds[kept] = end;
        this.longHashes[kept] = this.longHashes[index];
        this.longCounts[kept++] = this.longCounts[index];
      }
      start = next;
    }
    this.longEnds.length = this.longHashes.length = this.longCounts.length = kept;
    this.makeLongTable(this.longTable.length);
  }

  /** The lowest count that no more than `most` pre-tokens exceed. */
  private lowestFloor(most: number): number {
    const histogram = new Uint32Array(MAX_FLOOR + 1);
    let above = this.size;
    this.forEach((_bytes, count) => {
      if (count <= MAX_FLOOR) histogram[count] += 1;
    });
    let floor = 0;
    while (above > most && floor < MAX_FLOOR) above -= histogram[++floor];
    return floor;
  }
}
