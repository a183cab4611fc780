/**
 * One pass over a text that everything measured of it builds on: its code units, its words and its lines.
 *
 * A scan is valid until the next call of `scanText` in the same thread: its tables are reused. Memory is linear in the
 * text, at worst some 50 bytes of tables a character, where every character is a word; what a huge text needed is let
 * go with the next text of usual size.
 */
import { LineTable, splitLines } from './lines.js';
import { WordTable } from './word-table.js';
import { splitWords } from './words.js';

export interface Scan {
  /** UTF-16 code units of the text: `units[0, length)`. */
  readonly units: Uint16Array;
  readonly length: number;
  /** Code points. A surrogate without its partner counts as one. */
  readonly characters: number;
  readonly words: WordTable;
  /** Lines as line feeds end them; the last one ends with the text and may be empty. */
  readonly lines: LineTable;
}

/** Code units of text up to which buffers are kept for the next text. */
const RETAINED_UNITS = 1 << 20;

let words = new WordTable();
let lines = new LineTable();
let buffer = Buffer.alloc(1 << 16);
let lastText: string | undefined;
let lastScan: Scan | undefined;

/** Scans a text. A second call with the same text costs nothing, so that stages need not share the scan. */
export function scanText(text: string): Scan {
  if (lastScan !== undefined && lastText === text) return lastScan;
  const length = text.length;
  if (buffer.length > RETAINED_UNITS * 2 && length <= RETAINED_UNITS) {
    words = new WordTable();
    lines = new LineTable();
    buffer = Buffer.alloc(RETAINED_UNITS * 2);
  }
  if (buffer.length < length * 2) buffer = Buffer.alloc(Math.max(length * 2, buffer.length * 2));
  buffer.write(text, 0, 'utf16le');
  const units = new Uint16Array(buffer.buffer, buffer.byteOffset, buffer.length / 2);
  splitWords(units, length, words);
  splitLines(units, length, lines);
  lastText = text;
  lastScan = { units, length, characters: countCharacters(units, length), words, lines };
  return lastScan;
}

function countCharacters(units: Uint16Array, length: number): number {
  let pairs = 0;
  for (let i = 1; i < length; i++) {
    if ((units[i] & 0xfc00) === 0xdc00 && (units[i - 1] & 0xfc00) === 0xd800) pairs += 1;
  }
  return length - pairs;
}
