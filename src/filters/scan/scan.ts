/**
 * What everything measured of a text builds on: its code units, its pieces and lines, and its words by three
 * definitions. The tables are filled when they are first asked for.
 *
 * A scan is valid until the next call of `scanText` in the same thread: its tables are reused. They are filled by the
 * kernel (`../wasm`), or in TypeScript with the same results: long texts, and texts where a word may go on over white space.
 * Memory is linear in the text, at worst some 250 bytes of tables a character, where every piece is new; the kernel's is
 * bounded, and what a longer text needed is let go with the next text of usual size.
 */
import { scanKernel, type Kernel } from '../wasm/kernel.js';
import { MAX_TEXT_UNITS } from '../wasm/layout.js';
import { KernelTables } from './kernel-tables.js';
import { measureLines, measurePhysicalLines } from './line-sums.js';
import { NORMAL_CHARACTERS, NORMAL_WORD, UNICODE_WORDS, WORDS, WORDS_AT } from './piece-layout.js';
import { foreignPieces, sumPieces, type LanguageFilters, type PieceSums } from './piece-sums.js';
import { MeasuredLineTable, PhysicalLineTable, PieceTable, splitPieces, type Pieces } from './pieces.js';
import { splitUnicodeWords, UnicodeWordTable } from './unicode-words.js';
import { Vocabulary, type KnownPieces } from './vocabulary.js';
import { WordSequence } from './word-sequence.js';
import { WordTable } from './word-table.js';
import { splitWords } from './words.js';

/** Code units of text up to which buffers are kept for the next text. */
const RETAINED_UNITS = 1 << 20;
const SPACE = 0x20;

/** Narrow no-break space: white space, and part of a word for Unicode. */
const CONNECTOR = '\u202f';

/** What the pieces of a text are kept in. */
export interface ScanTables {
  readonly pieces: Pieces;
  readonly lines: MeasuredLineTable;
  readonly physicalLines: PhysicalLineTable;
  readonly wordSequence: WordSequence;
  readonly unicodeWords: WordSequence;
  readonly normalWords: WordSequence;
  readonly vocabulary: KnownPieces;
  /** Fills pieces and lines. */
  split(text: string, units: Uint16Array): void;
  /** Fill the other columns of the lines that were split. */
  measureLines(scan: Scan): void;
  measurePhysicalLines(scan: Scan): void;
  /** Fills the sequences of words of the pieces that were split. */
  fillSequences(scan: Scan): void;
  /** See `piece-sums.ts`. */
  foreignPieces(language: number, filters: LanguageFilters | null): Iterable<number>;
  sumPieces(): PieceSums;
}

const wholeText = new UnicodeWordTable();

class Tables implements ScanTables {
  readonly pieces = new PieceTable();
  readonly lines = new MeasuredLineTable();
  readonly physicalLines = new PhysicalLineTable();
  readonly wordSequence = new WordSequence();
  readonly unicodeWords = new WordSequence();
  readonly normalWords = new WordSequence();
  readonly vocabulary = new Vocabulary();

  split(text: string, units: Uint16Array): void {
    if (this.vocabulary.isFull) this.vocabulary.clear();
    splitPieces(text, units, this.vocabulary, this.pieces, this.lines, this.physicalLines);
  }

  measureLines(scan: Scan): void {
    measureLines(scan, this.lines);
  }

  measurePhysicalLines(scan: Scan): void {
    measurePhysicalLines(scan, this.physicalLines);
  }

  fillSequences({ units, length }: Scan): void {
    const { wordSequence, unicodeWords, normalWords, pieces } = this;
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
    if (pieces.hasConnector) this.splitUnicodeWords(units, length);
  }

  foreignPieces(language: number): Iterable<number> {
    return foreignPieces(this.pieces, this.vocabulary, language);
  }

  sumPieces(): PieceSums {
    return sumPieces(this.pieces, this.vocabulary);
  }

  /** Words by Unicode's boundaries of a text where one may go on over white space. */
  private splitUnicodeWords(units: Uint16Array, length: number): void {
    splitUnicodeWords(units, 0, length, wholeText);
    const { unicodeWords, pieces, vocabulary } = this;
    unicodeWords.reset(wholeText.count);
    for (let i = 0; i < wholeText.count; i++) {
      const number = pieces.numberOf(vocabulary.numbers.numberOf(wholeText.low[i], wholeText.high[i]));
      unicodeWords.push(number, wholeText.characters[i]);
    }
  }
}

export class Scan {
  readonly text: string;
  /** UTF-16 code units of the text: `units[0, length)`, and a space behind them. */
  readonly units: Uint16Array;
  readonly length: number;
  private readonly tables: ScanTables;
  private readonly wordTable: WordTable;
  private hasWords = false;
  private hasPieces = false;
  private hasLines = false;
  private hasPhysicalLines = false;
  private hasSequences = false;

  constructor(text: string, units: Uint16Array, reused: ScanTables, wordTable: WordTable) {
    this.text = text;
    this.units = units;
    this.length = text.length;
    this.tables = reused;
    this.wordTable = wordTable;
  }

  /** What white space separates. */
  get pieces(): Pieces {
    if (!this.hasPieces) this.split();
    return this.tables.pieces;
  }

  get vocabulary(): KnownPieces {
    if (!this.hasPieces) this.split();
    return this.tables.vocabulary;
  }

  /** Lines as line feeds end them; the last one ends with the text and may be empty. */
  get lines(): MeasuredLineTable {
    if (!this.hasPieces) this.split();
    if (!this.hasLines) {
      this.hasLines = true;
      this.tables.measureLines(this);
    }
    return this.tables.lines;
  }

  /** Lines as Python's `str.splitlines` cuts them; white space at their ends is part of them. */
  get physicalLines(): PhysicalLineTable {
    if (!this.hasPieces) this.split();
    if (!this.hasPhysicalLines) {
      this.hasPhysicalLines = true;
      this.tables.measurePhysicalLines(this);
    }
    return this.tables.physicalLines;
  }

  /** Words of `words.ts` with their places. */
  get words(): WordTable {
    if (!this.hasWords) splitWords(this.units, 0, this.length, this.wordTable);
    this.hasWords = true;
    return this.wordTable;
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

  /**
   * Heads of the different pieces whose language facts are not those of a language, by its number. The facts of pieces that
   * no list has anything of, by filters that are always the same for a language, may be written instead.
   */
  foreignPieces(language: number, filters: LanguageFilters | null): Iterable<number> {
    if (!this.hasPieces) this.split();
    return this.tables.foreignPieces(language, filters);
  }

  /** Sums over the pieces; valid until the next call. The language facts of the pieces have to be there. */
  sumPieces(): PieceSums {
    return this.tables.sumPieces();
  }

  private split(): void {
    this.hasPieces = true;
    this.tables.split(this.text, this.units);
  }

  private fillSequences(): void {
    if (!this.hasPieces) this.split();
    this.hasSequences = true;
    this.tables.fillSequences(this);
  }
}

let lastScan: Scan | undefined;
let kernelTables: KernelTables | undefined;
let tables: Tables | undefined;
let words = new WordTable();
let buffer = Buffer.alloc(1 << 16);

/** Scans a text. A second call with the same text costs nothing, so that stages need not share the scan. */
export function scanText(text: string): Scan {
  if (lastScan !== undefined && lastScan.text === text) return lastScan;
  const needed = (text.length + 1) * 2;
  if (buffer.length > RETAINED_UNITS * 2 && needed <= RETAINED_UNITS * 2) {
    tables = undefined;
    words = new WordTable();
    buffer = Buffer.alloc(1 << 16);
  }
  const kernel = text.length < MAX_TEXT_UNITS ? scanKernel() : null;
  lastScan = kernel === null || text.includes(CONNECTOR) ? scanHere(text, needed) : scanThere(text, kernel);
  return lastScan;
}

function scanThere(text: string, kernel: Kernel): Scan {
  kernelTables ??= new KernelTables(kernel);
  kernel.takeText(text);
  return new Scan(text, kernel.units, kernelTables, words);
}

function scanHere(text: string, needed: number): Scan {
  tables ??= new Tables();
  if (buffer.length < needed) buffer = Buffer.alloc(Math.max(needed, buffer.length * 2));
  buffer.write(text, 0, 'utf16le');
  const units = new Uint16Array(buffer.buffer, buffer.byteOffset, buffer.length / 2);
  units[text.length] = SPACE;
  return new Scan(text, units, tables, words);
}
