/**
 * Reads a text chunk by chunk into one buffer and cuts it into pre-tokens: the loop that encoding and training share.
 * What a chunk ends in the middle of is moved to the front and continued with the next.
 */
import { END_BYTE } from '../scan/classes.js';
import { PADDING, type ScannedText, type Scanner } from '../scan/scanner.js';
import type { TextSource } from './source.js';

/** Bytes that are scanned at a time: with their ends they stay in the second-level cache. */
const CHUNK_BYTES = 1 << 16;

/** A buffer that a giant pre-token made larger than this is given back. */
const KEPT_BYTES = 1 << 20;

export class ChunkReader {
  /** The text at hand; replaced when it has to grow, as is `ends`. */
  text!: ScannedText;
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
      filled += source.read(this.text.bytes, filled, this.ends.length);
      const final = source.done;
      this.text.bytes[filled] = END_BYTE;
      const count = this.scanner(this.text, filled, final, this.ends);
      if (count > 0) {
        onPieces(count);
        const used = this.ends[count - 1];
        this.text.bytes.copyWithin(0, used, filled);
        filled -= used;
      } else {
        this.resize(2 * this.ends.length, filled);
      }
    }
    if (this.ends.length > KEPT_BYTES) this.resize(CHUNK_BYTES, 0);
  }

  private resize(capacity: number, keep: number): void {
    const bytes = new Uint8Array(capacity + PADDING);
    if (keep > 0) bytes.set(this.text.bytes.subarray(0, keep));
    this.text = { bytes, view: new DataView(bytes.buffer) };
    this.ends = new Int32Array(capacity);
  }
}
