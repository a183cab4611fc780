/**
 * What everything measured of a text builds on: its code units, its words by three definitions, and its lines by two.
 * The tables are filled when they are first asked for.
 *
 * A scan is valid until the next call of `scanText` in the same thread: its tables are reused. Memory is linear in the
 * text, at worst some 150 bytes of tables a character, where every character is a word; what a huge text needed is let
 * go with the next text of usual size.
 */
import { LineTable, splitLines } from './lines.js';
import { PhysicalLineTable, splitPhysicalLines } from './physical-lines.js';
import { PieceTable, splitPieces } from './pieces.js';
import { splitUnicodeWords, UnicodeWordTable } from './unicode-words.js';
import { WordTable } from './word-table.js';
import { splitWords } from './words.js';

/** Code units of text up to which buffers are kept for the next text. */
const RETAINED_UNITS = 1 << 20;

class Tables {
  readonly words = new WordTable();
  readonly lines = new LineTable();
  readonly pieces = new PieceTable();
  readonly unicodeWords = new UnicodeWordTable();
  readonly physicalLines = new PhysicalLineTable();
}

export class Scan {
  readonly text: string;
  /** UTF-16 code units of the text: `units[0, length)`. */
  readonly units: Uint16Array;
  readonly length: number;
  /** Code points. A surrogate without its partner counts as one. */
  readonly characters: number;
  readonly words: WordTable;
  /** Lines as line feeds end them; the last one ends with the text and may be empty. */
  readonly lines: LineTable;
  private readonly tables: Tables;
  private hasPieces = false;
  private hasUnicodeWords = false;
  private hasPhysicalLines = false;

  constructor(text: string, units: Uint16Array, reused: Tables) {
    this.text = text;
    this.units = units;
    this.length = text.length;
    this.tables = reused;
    this.words = reused.words;
    this.lines = reused.lines;
    splitWords(units, text.length, this.words);
    splitLines(units, text.length, this.lines);
    this.characters = countCharacters(units, text.length);
  }

  /** What white space separates. */
  get pieces(): PieceTable {
    const { pieces } = this.tables;
    if (!this.hasPieces) splitPieces(this.units, this.length, pieces);
    this.hasPieces = true;
    return pieces;
  }

  /** Words by the default word boundaries of Unicode. */
  get unicodeWords(): UnicodeWordTable {
    const { unicodeWords } = this.tables;
    if (!this.hasUnicodeWords) splitUnicodeWords(this.units, this.length, unicodeWords);
    this.hasUnicodeWords = true;
    return unicodeWords;
  }

  /** Lines as Python's `str.splitlines` cuts them. */
  get physicalLines(): PhysicalLineTable {
    const { physicalLines } = this.tables;
    if (!this.hasPhysicalLines) {
      splitPhysicalLines(this.units, this.length, this.pieces, this.words, physicalLines);
    }
    this.hasPhysicalLines = true;
    return physicalLines;
  }
}

let tables = new Tables();
let buffer = Buffer.alloc(1 << 16);
let lastScan: Scan | undefined;

/** Scans a text. A second call with the same text costs nothing, so that stages need not share the scan. */
export function scanText(text: string): Scan {
  if (lastScan !== undefined && lastScan.text === text) return lastScan;
  const length = text.length;
  if (buffer.length > RETAINED_UNITS * 2 && length <= RETAINED_UNITS) {
    tables = new Tables();
    buffer = Buffer.alloc(RETAINED_UNITS * 2);
  }
  if (buffer.length < length * 2) buffer = Buffer.alloc(Math.max(length * 2, buffer.length * 2));
  buffer.write(text, 0, 'utf16le');
  const units = new Uint16Array(buffer.buffer, buffer.byteOffset, buffer.length / 2);
  lastScan = new Scan(text, units, tables);
  return lastScan;
}

function countCharacters(units: Uint16Array, length: number): number {
  let pairs = 0;
  for (let i = 1; i < length; i++) {
    if ((units[i] & 0xfc00) === 0xdc00 && (units[i - 1] & 0xfc00) === 0xd800) pairs += 1;
  }
  return length - pairs;
}
