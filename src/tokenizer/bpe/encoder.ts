/**
 * The hot path: text without specials to tokens.
 *
 * A chunk of UTF-8 is copied to a buffer, the scanner writes where its pre-tokens end, and each pre-token is looked up in
 * a cache of short ones or merged. The cache is open addressing in one Int32Array. A slot of 32 bytes is four words of key
 * (up to 15 bytes, zero-filled, and the length in the top byte), three words of tokens and their number; more tokens are
 * in `overflow`, and then the number is negative and the first of the three words is their offset. It is bounded: a full
 * neighbourhood loses an entry, a full overflow empties everything. What is cached changes speed only, never a result.
 *
 * Slots, keys and output are accessed in place and not through methods: with a call for each pre-token the loop has half
 * the speed.
 */
import { byteTokens, type TokenizerModel } from '../model.js';
import { scannerOf } from '../patterns.js';
import type { Scanner } from '../scan/scanner.js';
import { ChunkReader } from './chunks.js';
import { LongPieceCache, MAX_REMEMBERED_BYTES } from './long-piece-cache.js';
import { Merger } from './merger.js';
import { fillPairTable, PairTable } from './pair-table.js';
import { KEY_MASKS, MAX_KEY_BYTES } from './piece-key.js';
import type { TextSource } from './source.js';
import { TokenBuffer } from './token-buffer.js';
import { unmergeableTokens } from './whole-pieces.js';

const SLOT_SHIFT = 3;
const SLOT_BITS = 18;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
const PROBES = 4;
const INLINE_TOKENS = 3;
const OVERFLOW_TOKENS = 1 << 19;

/** Turns text without specials into tokens. */
export interface PieceEncoder {
  /** What it runs in. */
  readonly engine: 'wasm' | 'typescript';
  /** Appends the tokens of a text to `output`. */
  encode(source: TextSource, output: TokenBuffer): void;
  /** Number of tokens of a text. */
  count(source: TextSource): number;
  /**
   * Appends the tokens of a text to whose `length` bytes more will be added, as far as these cannot change them; returns
   * how many bytes that is. Behind the text `bytes` has PADDING more, which may be overwritten.
   */
  encodePart(bytes: Uint8Array<ArrayBuffer>, length: number, output: TokenBuffer): number;
}

export class Encoder implements PieceEncoder {
  readonly engine = 'typescript';
  private readonly chunks: ChunkReader;
  private readonly merger: Merger;
  /** Tokens that merges do not lead to, by their bytes as Latin-1; only for pre-tokens that are exactly one of them. */
  private readonly wholePieces: ReadonlyMap<string, number>;
  private readonly slots = new Int32Array((SLOT_MASK + PROBES) << SLOT_SHIFT);
  private readonly overflow = new Uint32Array(OVERFLOW_TOKENS);
  private overflowUsed = 0;
  private readonly longPieces = new LongPieceCache();
  private victim = 0;

  /** @throws TokenmillError TOKENIZER_INVALID where the vocabulary lacks a byte or the pattern cannot be used */
  static create(model: TokenizerModel): Encoder {
    const pairs = fillPairTable(new PairTable(model.merges.length / 3), model);
    const merger = new Merger(pairs, byteTokens(model));
    return new Encoder(scannerOf(model.pattern), merger, unmergeableTokens(model, merger));
  }

  private constructor(scanner: Scanner, merger: Merger, wholePieces: ReadonlyMap<string, number>) {
    this.chunks = new ChunkReader(scanner);
    this.merger = merger;
    this.wholePieces = wholePieces;
  }

  encode(source: TextSource, output: TokenBuffer): void {
    this.chunks.read(source, (count) => this.encodePieces(count, output));
  }

  count(source: TextSource): number {
    const scratch = new TokenBuffer();
    let total = 0;
    this.chunks.read(source, (count) => {
      scratch.length = 0;
      this.encodePieces(count, scratch);
      total += scratch.length;
    });
    return total;
  }

  encodePart(bytes: Uint8Array<ArrayBuffer>, length: number, output: TokenBuffer): number {
    return this.chunks.readPart(bytes, length, (count) => this.encodePieces(count, output));
  }

  private encodePieces(count: number, output: TokenBuffer): void {
    const { slots } = this;
    const { ends, text } = this.chunks.area;
    const { view } = text;
    output.reserve(ends[count - 1] + INLINE_TOKENS);
    const { tokens } = output;
    let written = output.length;
    let start = 0;
    for (let index = 0; index < count; index++) {
      const end = ends[index];
      const length = end - start;
      if (length > MAX_KEY_BYTES) {
        written += this.encodeLong(start, end, tokens, written);
        start = end;
        continue;
      }
      const masks = length << 2;
      const key0 = view.getInt32(start, true) & KEY_MASKS[masks];
      const key1 = view.getInt32(start + 4, true) & KEY_MASKS[masks + 1];
      let key2 = 0;
      let key3 = length << 24;
      let hash = Math.imul(key0, 0x9e3779b1) ^ Math.imul(key1, 0x85ebca6b);
      if (length > 8) {
        key2 = view.getInt32(start + 8, true) & KEY_MASKS[masks + 2];
        key3 |= view.getInt32(start + 12, true) & KEY_MASKS[masks + 3];
        hash ^= Math.imul(key2, 0x27d4eb2f) ^ Math.imul(key3, 0x165667b1);
      }
      hash ^= hash >>> 15;
      const home = (hash & SLOT_MASK) << SLOT_SHIFT;
      let slot = home;
      const beyond = home + (PROBES << SLOT_SHIFT);
      while (
        slots[slot] !== key0 ||
        slots[slot + 1] !== key1 ||
        slots[slot + 2] !== key2 ||
        slots[slot + 3] !== key3
      ) {
        slot += 1 << SLOT_SHIFT;
        if (slot === beyond) break;
      }
      if (slot === beyond) {
        const merged = this.mergePiece(start, end, tokens, written);
        this.remember(home, key0, key1, key2, key3, tokens, written, merged);
        written += merged;
      } else {
        const number = slots[slot + 7];
        if (number > 0) {
          // Three are written whatever the number: those in excess are overwritten by the next.
          tokens[written] = slots[slot + 4];
          tokens[written + 1] = slots[slot + 5];
          tokens[written + 2] = slots[slot + 6];
          written += number;
        } else {
          const from = slots[slot + 4];
          for (let at = 0; at < -number; at++) tokens[written++] = this.overflow[from + at];
        }
      }
      start = end;
    }
    output.length = written;
  }

  private encodeLong(start: number, end: number, tokens: Uint32Array, written: number): number {
    const length = end - start;
    if (length > MAX_REMEMBERED_BYTES) return this.mergePiece(start, end, tokens, written);
    const { view } = this.chunks.area.text;
    const known = this.longPieces.find(view, start, length, tokens, written);
    if (known > 0) return known;
    const count = this.mergePiece(start, end, tokens, written);
    this.longPieces.remember(view, start, length, tokens, written, count);
    return count;
  }

  private mergePiece(start: number, end: number, tokens: Uint32Array, written: number): number {
    const { bytes } = this.chunks.area.text;
    if (this.wholePieces.size > 0) {
      const piece = Buffer.from(bytes.buffer, start, end - start).toString('latin1');
      const whole = this.wholePieces.get(piece);
      if (whole !== undefined) {
        tokens[written] = whole;
        return 1;
      }
    }
    return this.merger.merge(bytes, start, end, tokens, written);
  }

  private remember(
    home: number,
    key0: number,
    key1: number,
    key2: number,
    key3: number,
    tokens: Uint32Array,
    written: number,
    count: number,
  ): void {
    const { slots } = this;
    if (count > INLINE_TOKENS && this.overflowUsed + count > OVERFLOW_TOKENS) {
      slots.fill(0);
      this.overflowUsed = 0;
    }
    let slot = home;
    const beyond = home + (PROBES << SLOT_SHIFT);
    // A slot whose length is 0 is empty.
    while (slot < beyond && slots[slot + 3] >>> 24 !== 0) slot += 1 << SLOT_SHIFT;
    if (slot === beyond) {
      this.victim = (this.victim + 1) % PROBES;
      slot = home + (this.victim << SLOT_SHIFT);
    }
    slots[slot] = key0;
    slots[slot + 1] = key1;
    slots[slot + 2] = key2;
    slots[slot + 3] = key3;
    if (count <= INLINE_TOKENS) {
      for (let at = 0; at < count; at++) slots[slot + 4 + at] = tokens[written + at];
      slots[slot + 7] = count;
    } else {
      slots[slot + 4] = this.overflowUsed;
      slots[slot + 7] = -count;
      for (let at = 0; at < count; at++) this.overflow[this.overflowUsed++] = tokens[written + at];
    }
  }
}
