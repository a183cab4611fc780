/**
 * Reads a text chunk by chunk into one buffer and cuts it into pre-tokens: the loop that encoding in TypeScript and
 * training share. What a chunk ends in the middle of is moved to the front and continued with the next.
 */
import { END_BYTE } from '../scan/classes.js';
import { PADDING, type ScannedText, type Scanner } from '../scan/scanner.js';
import type { TextSource } from './source.js';

/** Bytes that are scanned at a time: with their ends they stay in the second-level cache. */
const CHUNK_BYTES = 1 << 16;

/** A buffer with what cuts it. */
export interface ScanArea {
  readonly text: ScannedText;
  /** Ends of the pre-tokens, the first of which begins at 0; as many as there are bytes of text at most. */
  readonly ends: Int32Array<ArrayBuffer>;
  /** Cuts the first `length` bytes as a `Scanner` does. */
  scan(length: number, final: boolean): number;
}

/** An area for `capacity` bytes that a scanner in TypeScript cuts. */
function makeArea(scanner: Scanner, capacity: number): ScanArea {
  const bytes = new Uint8Array(capacity + PADDING);
  const text = { bytes, view: new DataView(bytes.buffer) };
  const ends = new Int32Array(capacity);
  return {
    text,
    ends,
    scan(length, final) {
      bytes[length] = END_BYTE;
      return scanner(text, length, final, ends);
    },
  };
}

export class ChunkReader {
  /** The text at hand; another one while a pre-token is longer than a chunk. */
  area: ScanArea;
  private readonly scanner: Scanner;
  private readonly first: ScanArea;

  /** @param area what chunks are read to, if not to a buffer that the scanner cuts */
  constructor(scanner: Scanner, area?: ScanArea) {
    this.scanner = scanner;
    this.first = area ?? makeArea(scanner, CHUNK_BYTES);
    this.area = this.first;
  }

  /** Calls `onPieces` with the number of pre-tokens that are in the buffer, until the text is at its end. */
  read(source: TextSource, onPieces: (count: number) => void): void {
    let filled = 0;
    while (filled > 0 || !source.done) {
      const { text, ends } = this.area;
      filled += source.read(text.bytes, filled, ends.length);
      const count = this.area.scan(filled, source.done);
      if (count > 0) {
        onPieces(count);
        const used = ends[count - 1];
        text.bytes.copyWithin(0, used, filled);
        filled -= used;
      } else {
        this.area = makeArea(this.scanner, 2 * ends.length);
        this.area.text.bytes.set(text.bytes.subarray(0, filled));
      }
    }
    this.area = this.first;
  }

  /** The same for a text that goes on behind `bytes[0, length)`: stops where more text matters, and returns where that is. */
  readPart(bytes: Uint8Array, length: number, onPieces: (count: number) => void): number {
    let position = 0;
    while (position < length) {
      const { text, ends } = this.area;
      const filled = Math.min(ends.length, length - position);
      text.bytes.set(bytes.subarray(position, position + filled));
      const count = this.area.scan(filled, false);
      if (count > 0) {
        onPieces(count);
        position += ends[count - 1];
      } else {
        if (position + filled === length) break;
        this.area = makeArea(this.scanner, 2 * ends.length);
      }
    }
    this.area = this.first;
    return position;
  }
}
