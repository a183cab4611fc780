/**
 * Encoding in WebAssembly: copies chunks of text to its memory and tokens out of it.
 *
 * What is rare is done in TypeScript on the same tables: pre-tokens beyond MAX_MERGE_BYTES, models that look whole
 * pre-tokens up, and pre-tokens that are longer than a chunk.
 */
import type { PieceEncoder } from '../bpe/encoder.js';
import { Merger } from '../bpe/merger.js';
import { fillPairTable, PairTable } from '../bpe/pair-table.js';
import type { TextSource } from '../bpe/source.js';
import { TokenBuffer } from '../bpe/token-buffer.js';
import { unmergeableTokens } from '../bpe/whole-pieces.js';
import { byteTokens, type TokenizerModel } from '../model.js';
import { scannerOf, type PatternName } from '../patterns.js';
import { END_BYTE } from '../scan/classes.js';
import { PADDING, type Scanner } from '../scan/scanner.js';
import {
  BYTE_PAIRS_AT,
  BYTE_TOKENS_AT,
  CHUNK_BYTES,
  KEYS_AT,
  MAX_KEY_BYTES,
  PAIRS_AT,
  SLOTS_AT,
  TEXT_AT,
  TEXT_PADDING,
  TOKENS_AT,
} from './layout.js';
import { instantiate, wasmMemory, type WasmExports } from './module.js';
import { SCAN_NUMBERS, writeClasses } from './scan-area.js';

/**
 * With as many merges the caches are touched at once: a vocabulary of this size is for much text, and the first pass should
 * not have to wait for the operating system at every page, which on virtual machines takes longer than the encoding.
 */
const LARGE_VOCABULARY = 8192;
const PAGE_BYTES = 4096;

export class WasmEncoder implements PieceEncoder {
  readonly engine = 'wasm';
  private readonly exports: WasmExports;
  private readonly pattern: number;
  private readonly scanner: Scanner;
  private readonly merger: Merger;
  private readonly wholePieces: ReadonlyMap<string, number>;
  /** The whole memory, and the room for a text and for tokens in it. */
  private readonly bytes: Uint8Array<ArrayBuffer>;
  private readonly text: Uint8Array<ArrayBuffer>;
  private readonly tokens: Uint32Array<ArrayBuffer>;

  /** An encoder for a model, null where its pattern has no scanner here or WebAssembly cannot be used. */
  static create(model: TokenizerModel): WasmEncoder | null {
    if (typeof model.pattern !== 'string') return null;
    const memory = wasmMemory(PAIRS_AT + PairTable.bytesFor(model.merges.length / 3));
    return memory === null ? null : new WasmEncoder(model, model.pattern, memory);
  }

  private constructor(model: TokenizerModel, pattern: PatternName, memory: WebAssembly.Memory) {
    // The memory never grows, so that these views stay valid.
    const buffer = memory.buffer as ArrayBuffer;
    this.bytes = new Uint8Array(buffer);
    this.text = new Uint8Array(buffer, TEXT_AT, CHUNK_BYTES + TEXT_PADDING);
    this.tokens = new Uint32Array(buffer, TOKENS_AT, CHUNK_BYTES);
    this.pattern = SCAN_NUMBERS[pattern];
    this.scanner = scannerOf(pattern);

    let used = PAIRS_AT;
    const pairs = new PairTable(model.merges.length / 3, (length) => {
      const array = new Int32Array(buffer, used, length);
      used += array.byteLength;
      return array;
    });
    fillPairTable(pairs, model);
    const bytesOf = byteTokens(model);
    this.merger = new Merger(pairs, bytesOf);
    this.wholePieces = unmergeableTokens(model, this.merger);
    writeClasses(this.bytes);
    for (let length = 1; length <= MAX_KEY_BYTES; length++) {
      const at = KEYS_AT + 32 * length;
      this.bytes.fill(0xff, at, at + length);
      this.bytes[at + 31] = length;
    }
    new Int32Array(buffer, BYTE_TOKENS_AT, 256).set(bytesOf);
    new Int32Array(buffer, BYTE_PAIRS_AT, 65536).set(this.merger.bytePairRanks);

    this.exports = instantiate(memory, {
      mergeLong: (start, length, out) => this.mergeLong(start, length, out),
      wholePiece: (start, length) => this.wholePiece(start, length),
    });
    this.exports.configurePairs(
      pairs.slots.byteOffset,
      pairs.filter.byteOffset,
      pairs.results.byteOffset,
      pairs.shift,
      pairs.filterShift,
    );
    this.exports.configureWhole(this.wholePieces.size > 0);
    if (model.merges.length / 3 >= LARGE_VOCABULARY) {
      for (let at = SLOTS_AT; at < PAIRS_AT; at += PAGE_BYTES) this.bytes[at] = 0;
    }
  }

  encode(source: TextSource, output: TokenBuffer): void {
    this.run(source, output);
  }

  count(source: TextSource): number {
    return this.run(source, null);
  }

  /** Number of tokens of a text, which are appended to `output` where there is one. */
  private run(source: TextSource, output: TokenBuffer | null): number {
    const { text, exports } = this;
    let total = 0;
    let filled = 0;
    while (filled > 0 || !source.done) {
      filled += source.read(text, filled, CHUNK_BYTES);
      const count = this.encodeChunk(filled, source.done);
      const consumed = exports.consumedBytes();
      if (consumed === 0) {
        const giant = output ?? new TokenBuffer();
        const before = giant.length;
        filled = this.encodeGiant(source, filled, giant);
        total += giant.length - before;
        continue;
      }
      total += count;
      output?.append(this.tokens, count);
      text.copyWithin(0, consumed, filled);
      filled -= consumed;
    }
    return total;
  }

  encodePart(bytes: Uint8Array<ArrayBuffer>, length: number, output: TokenBuffer): number {
    let position = 0;
    while (position < length) {
      const filled = Math.min(CHUNK_BYTES, length - position);
      this.text.set(bytes.subarray(position, position + filled));
      const count = this.encodeChunk(filled, false);
      const consumed = this.exports.consumedBytes();
      if (consumed > 0) {
        output.append(this.tokens, count);
        position += consumed;
        continue;
      }
      if (position + filled === length) break;
      const rest = bytes.slice(position, length + PADDING);
      const encoded = this.encodeSlowly(rest, length - position, false, output);
      if (encoded === 0) break;
      position += encoded;
    }
    return position;
  }

  private encodeChunk(length: number, final: boolean): number {
    this.text.fill(END_BYTE, length, length + TEXT_PADDING);
    return this.exports.encode(this.pattern, length, final);
  }

  /**
   * Deals with a pre-token that is longer than what is in the memory, in buffers that grow with it. What is left of the text
   * that was read for it, and is no more than a chunk, is in the memory then; returns its length.
   */
  private encodeGiant(source: TextSource, filled: number, output: TokenBuffer): number {
    let bytes = this.text.slice(0, CHUNK_BYTES + PADDING);
    let length = filled;
    do {
      const capacity = 2 * (bytes.length - PADDING);
      const grown = new Uint8Array(capacity + PADDING);
      grown.set(bytes.subarray(0, length));
      bytes = grown;
      length += source.read(bytes, length, capacity);
      const encoded = this.encodeSlowly(bytes, length, source.done, output);
      bytes.copyWithin(0, encoded, length);
      length -= encoded;
    } while (length > CHUNK_BYTES);
    this.text.set(bytes.subarray(0, length));
    return length;
  }

  /** Encodes a text of any length in TypeScript, as far as its end is no matter; returns how much that is. */
  private encodeSlowly(
    bytes: Uint8Array<ArrayBuffer>,
    length: number,
    final: boolean,
    output: TokenBuffer,
  ): number {
    bytes[length] = END_BYTE;
    const ends = new Int32Array(length);
    const count = this.scanner({ bytes, view: new DataView(bytes.buffer) }, length, final, ends);
    let start = 0;
    for (const end of ends.subarray(0, count)) {
      this.encodePiece(bytes, start, end, output);
      start = end;
    }
    return start;
  }

  private encodePiece(bytes: Uint8Array, start: number, end: number, output: TokenBuffer): void {
    const whole = this.wholeToken(bytes, start, end);
    if (whole >= 0) {
      output.push(whole);
      return;
    }
    output.reserve(end - start);
    output.length += this.merger.merge(bytes, start, end, output.tokens, output.length);
  }

  private mergeLong(start: number, length: number, out: number): number {
    return this.merger.merge(this.bytes, start, start + length, this.tokens, (out - TOKENS_AT) >> 2);
  }

  private wholePiece(start: number, length: number): number {
    return this.wholeToken(this.bytes, start, start + length);
  }

  private wholeToken(bytes: Uint8Array, start: number, end: number): number {
    if (this.wholePieces.size === 0) return -1;
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    return this.wholePieces.get(piece) ?? -1;
  }
}
