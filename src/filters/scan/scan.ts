/**
 * What everything measured of a text builds on: its code units, its pieces and lines, and its words by three
 * definitions. The tables are filled when they are first asked for.
 *
 * A scan is valid until the next call of `scanText` in the same thread: its tables are reused. Memory is linear in the
 * text, at worst some 250 bytes of tables a character, where every piece is new; what a huge text needed is let go with
 * the next text of usual size.
 */
import { hashLines } from './line-hashes.js';
import {
  HashedLineTable,
  LineTable,
  NORMAL_CHARACTERS,
  NORMAL_WORD,
  PieceTable,
  splitPieces,
  UNICODE_WORDS,
  WORDS,
  WORDS_AT,
} from './pieces.js';
import { splitUnicodeWords, UnicodeWordTable } from './unicode-words.js';
import { Vocabulary } from './vocabulary.js';
import { WordSequence } from './word-sequence.js';
import { WordTable } from './word-table.js';
import { splitWords } from './words.js';

/** Code units of text up to which buffers are kept for the next text. */
const RETAINED_UNITS = 1 << 20;
const SPACE = 0x20;

class Tables {
  readonly words = new WordTable();
  readonly pieces = new PieceTable();
  readonly lines = new HashedLineTable();
  readonly physicalLines = new LineTable();
  readonly wordSequence = new WordSequence();
  readonly unicodeWords = new WordSequence();
  readonly normalWords = new WordSequence();
}

let tables = new Tables();
let buffer = Buffer.alloc(1 << 16);
const vocabulary = new Vocabulary();
const wholeText = new UnicodeWordTable();

export class Scan {
  readonly text: string;
  /** UTF-16 code units of the text: `units[0, length)`, and a space behind them. */
  readonly units: Uint16Array;
  readonly length: number;
  private readonly tables: Tables;
  private hasWords = false;
  private hasPieces = false;
  private hasLineHashes = false;
  private hasSequences = false;

  constructor(text: string, units: Uint16Array, reused: Tables) {
    this.text = text;
    this.units = units;
    this.length = text.length;
    this.tables = reused;
  }

  /** What white space separates. */
  get pieces(): PieceTable {
    if (!this.hasPieces) this.split();
    return this.tables.pieces;
  }

  get vocabulary(): Vocabulary {
    if (!this.hasPieces) this.split();
    return vocabulary;
  }

  /** Lines as line feeds end them; the last one ends with the text and may be empty. */
  get lines(): HashedLineTable {
    if (!this.hasPieces) this.split();
    if (!this.hasLineHashes) {
      this.hasLineHashes = true;
      hashLines(this, this.tables.lines);
    }
    return this.tables.lines;
  }

  /** Lines as Python's `str.splitlines` cuts them; white space at their ends is part of them. */
  get physicalLines(): LineTable {
    if (!this.hasPieces) this.split();
    return this.tables.physicalLines;
  }

  /** Words of `words.ts` with their places. */
  get words(): WordTable {
    if (!this.hasWords) splitWords(this.units, 0, this.length, this.tables.words);
    this.hasWords = true;
    return this.tables.words;
  }

  /** The same as a sequence. */
  get wordSequence(): WordSequence {
    if (!this.hasSequences) this.fillSequences();
    return this.tables.wordSequence;
  }

  /** Words by the default word boundaries of Unicode that begin with a letter or number. */
  get unicodeWords(): WordSequence {
    if (!this.hasSequences) this.fillSequences();
    return this.tables.unicodeWords;
  }

  /** Normal forms of the pieces, those aside that have none. */
  get normalWords(): WordSequence {
    if (!this.hasSequences) this.fillSequences();
    return this.tables.normalWords;
  }

  private split(): void {
    this.hasPieces = true;
    const { pieces, lines, physicalLines } = this.tables;
    if (vocabulary.isFull) vocabulary.clear();
    splitPieces(this.text, this.units, vocabulary, pieces, lines, physicalLines);
  }

  private fillSequences(): void {
    const { pieces } = this;
    this.hasSequences = true;
    const { wordSequence, unicodeWords, normalWords } = this.tables;
    wordSequence.reset(pieces.wordCount);
    unicodeWords.reset(pieces.unicodeWordCount);
    normalWords.reset(pieces.count);
    const { distinct, words } = pieces;
    for (let piece = 0; piece < pieces.count; piece++) {
      const entry = pieces.entry[piece];
      let at = distinct[entry + WORDS_AT];
      for (const end = at + 2 * distinct[entry + WORDS]; at < end; at += 2) {
        wordSequence.push(words[at], words[at + 1]);
      }
      for (const end = at + 2 * distinct[entry + UNICODE_WORDS]; at < end; at += 2) {
        unicodeWords.push(words[at], words[at + 1]);
      }
      const normal = distinct[entry + NORMAL_WORD];
      if (normal >= 0) normalWords.push(normal, distinct[entry + NORMAL_CHARACTERS]);
    }
    if (pieces.hasConnector) this.splitUnicodeWords();
  }

  /** Words by Unicode's boundaries of a text where one may go on over white space. */
  private splitUnicodeWords(): void {
    splitUnicodeWords(this.units, 0, this.length, wholeText);
    const { unicodeWords, pieces } = this.tables;
    unicodeWords.reset(wholeText.count);
    for (let i = 0; i < wholeText.count; i++) {
      const number = pieces.numberOf(vocabulary.numbers.numberOf(wholeText.low[i], wholeText.high[i]));
      unicodeWords.push(number, wholeText.characters[i]);
    }
  }
}

let lastScan: Scan | undefined;

/** Scans a text. A second call with the same text costs nothing, so that stages need not share the scan. */
export function scanText(text: string): Scan {
  if (lastScan !== undefined && lastScan.text === text) return lastScan;
  const length = text.length;
  const needed = (length + 1) * 2;
  if (buffer.length > RETAINED_UNITS * 2 && needed <= RETAINED_UNITS * 2) {
    tables = new Tables();
    buffer = Buffer.alloc(RETAINED_UNITS * 2);
  }
  if (buffer.length < needed) buffer = Buffer.alloc(Math.max(needed, buffer.length * 2));
  buffer.write(text, 0, 'utf16le');
  const units = new Uint16Array(buffer.buffer, buffer.byteOffset, buffer.length / 2);
  units[length] = SPACE;
  lastScan = new Scan(text, units, tables);
  return lastScan;
}
