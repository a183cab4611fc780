/**
 * Reads a text chunk by chunk into one buffer and cuts it into pre-tokens: the loop that encoding and training share.
 * What a chunk ends in the middle of is moved to the front and continued with the next.
 */
import { END_BYTE } from '../scan/classes.js';
import type { Scanner } from '../scan/scanner.js';
import type { TextSource } from './source.js';

/** Bytes that are scanned at a time: with their ends they stay in the second-level cache. */
const CHUNK_BYTES = 1 << 16;

/** A buffer that a giant pre-token made larger than this is given back. */
const KEPT_BYTES = 1 << 20;

/** Bytes behind the text that may be read, END_BYTE first: a key of 16 bytes at any place is inside the buffer. */
const PADDING = 16;

export class ChunkReader {
  /** The text at hand, from 0. Replaced when it has to grow, as are `view` and `ends`. */
  buffer!: Uint8Array<ArrayBuffer>;
  /** The same bytes. */
  view!: DataView<ArrayBuffer>;
  /** Ends of the pre-tokens in `buffer`; the first begins at 0. */
  ends!: Int32Array<ArrayBuffer>;
  private readonly scanner: Scanner;

  constructor(scanner: Scanner) {
    this.scanner = scanner;
    this.resize(CHUNK_BYTES, 0);
  }

  /** Calls `onPieces` with the number of pre-tokens that are in the buffer, until the text is at its end. */
  read(source: TextSource, onPieces: (count: number) => void): void {
    let filled = 0;
    while (filled > 0 || !source.done) {
      filled += source.read(this.buffer, filled, this.ends.length);
      const final = source.done;
      this.buffer[filled] = END_BYTE;
      const count = this.scanner(this.buffer, 0, filled, final, this.ends);
      if (count > 0) {
        onPieces(count);
        const used = this.ends[count - 1];
        this.buffer.copyWithin(0, used, filled);
        filled -= used;
      } else {
        this.resize(2 * this.ends.length, filled);
      }
    }
    if (this.ends.length > KEPT_BYTES) this.resize(CHUNK_BYTES, 0);
  }

  private resize(bytes: number, keep: number): void {
    const grown = new Uint8Array(bytes + PADDING);
    if (keep > 0) grown.set(this.buffer.subarray(0, keep));
    this.buffer = grown;
    this.view = new DataView(grown.buffer);
    this.ends = new Int32Array(bytes);
  }
}
