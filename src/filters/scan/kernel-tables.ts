/** The tables of a scan as the kernel fills them: views of its memory. */
import type { Kernel } from '../wasm/kernel.js';
import {
  DISTINCT_AT,
  END_OF_AT,
  ENTRY_AT,
  FILTER_BYTES,
  FOUND,
  FOUND_AT,
  FOUND_COMMON_SPACES,
  FOUND_DISTINCT,
  FOUND_EXTRA_SPACE_BYTES,
  FOUND_LINES,
  FOUND_NUMBERS,
  FOUND_PHYSICAL_LINES,
  FOUND_PIECES,
  FOUND_SEQUENCES,
  FOUND_UNICODE_WORDS,
  FOUND_WORDS,
  HEADS,
  HEADS_AT,
  LANGUAGE_FILTERS_AT,
  LINE_BYTES,
  LINES_AT,
  LONG_UNITS,
  LONG_UNITS_AT,
  MAX_FILTERED_LANGUAGES,
  MAX_TEXT_UNITS,
  NUMBER_HIGH_AT,
  NUMBER_LOW_AT,
  NUMBERED,
  NUMBERS_AT,
  NUMBERS_BYTES,
  PAIRS_AT,
  PHYSICAL_LINES_AT,
  PIECE_COUNTS_AT,
  START_AT,
  SUMS_AT,
  SUMS_BYTES,
  TOTALS_AT,
} from '../wasm/layout.js';
import { COUNTS } from './piece-facts.js';
import { ENTRY, HEAD, HEAD_START, HEAD_UNITS, SHORT } from './piece-layout.js';
import { PIECE_SUMS, type LanguageFilters, type PieceSums } from './piece-sums.js';
import { MeasuredLineTable, PhysicalLineTable, type Pieces } from './pieces.js';
import type { ScanTables } from './scan.js';
import type { KnownPieces } from './vocabulary.js';
import { WordSequence } from './word-sequence.js';

const MAX_PIECES = MAX_TEXT_UNITS / 2 + 1;
const MAX_LINES = MAX_TEXT_UNITS + 1;

class KernelPieces implements Pieces {
  count = 0;
  distinctCount = 0;
  wordCount = 0;
  unicodeWordCount = 0;
  numberCount = 0;
  commonSpaces = 0;
  extraSpaceBytes = 0;
  readonly start: Int32Array;
  readonly end: Int32Array;
  readonly entry: Int32Array;
  readonly distinct: Int32Array;
  readonly counts: Int32Array;

  constructor(memory: ArrayBuffer) {
    this.start = new Int32Array(memory, START_AT, MAX_PIECES);
    this.end = new Int32Array(memory, END_OF_AT, MAX_PIECES);
    this.entry = new Int32Array(memory, ENTRY_AT, MAX_PIECES);
    this.distinct = new Int32Array(memory, DISTINCT_AT, MAX_PIECES * ENTRY);
    this.counts = new Int32Array(memory, PIECE_COUNTS_AT, MAX_PIECES * COUNTS);
  }
}

class KernelVocabulary implements KnownPieces {
  readonly heads: Int32Array;
  readonly numbers: { readonly low: Int32Array; readonly high: Int32Array };
  private readonly headUnits: Uint16Array;
  private readonly units: Uint16Array;

  constructor(memory: ArrayBuffer) {
    this.heads = new Int32Array(memory, HEADS_AT, HEADS * HEAD);
    this.headUnits = new Uint16Array(memory, HEADS_AT, HEADS * HEAD * 2);
    this.units = new Uint16Array(memory, LONG_UNITS_AT, LONG_UNITS);
    this.numbers = {
      low: new Int32Array(memory, NUMBER_LOW_AT, NUMBERED),
      high: new Int32Array(memory, NUMBER_HIGH_AT, NUMBERED),
    };
  }

  textAt(head: number): number {
    return this.heads[head + HEAD_UNITS] <= SHORT ? (head + HEAD_START) * 2 : this.heads[head + HEAD_START];
  }

  unitsOf(head: number): Uint16Array {
    return this.heads[head + HEAD_UNITS] <= SHORT ? this.headUnits : this.units;
  }
}

export class KernelTables implements ScanTables {
  readonly pieces: KernelPieces;
  readonly lines = new MeasuredLineTable();
  readonly physicalLines = new PhysicalLineTable();
  readonly wordSequence = new WordSequence();
  readonly unicodeWords = new WordSequence();
  readonly normalWords = new WordSequence();
  readonly vocabulary: KnownPieces;
  private readonly kernel: Kernel;
  private readonly found: Int32Array;
  private readonly totals: Int32Array;
  private readonly sums = {} as PieceSums;
  private readonly filtered = new Set<number>();

  constructor(kernel: Kernel) {
    const { memory } = kernel;
    this.kernel = kernel;
    this.found = new Int32Array(memory, FOUND_AT, FOUND);
    this.totals = new Int32Array(memory, TOTALS_AT, PIECE_SUMS.length);
    this.pieces = new KernelPieces(memory);
    this.vocabulary = new KernelVocabulary(memory);
    const column = (at: number, index: number): Uint32Array<ArrayBuffer> =>
      new Uint32Array(memory, at + index * LINE_BYTES, MAX_LINES);
    const sums = (at: number, index: number): Int32Array<ArrayBuffer> =>
      new Int32Array(memory, at + index * LINE_BYTES, MAX_LINES);
    for (const [lines, at] of [
      [this.lines, LINES_AT],
      [this.physicalLines, PHYSICAL_LINES_AT],
    ] as const) {
      lines.start = column(at, 0);
      lines.end = column(at, 1);
      lines.pieceEnd = column(at, 2);
    }
    this.lines.characters = column(LINES_AT, 3);
    this.lines.low = sums(LINES_AT, 4);
    this.lines.high = sums(LINES_AT, 5);
    this.lines.flags = sums(LINES_AT, 6);
    this.lines.upperUnits = sums(LINES_AT, 7);
    this.lines.digitUnits = sums(LINES_AT, 8);
    this.lines.numerical = sums(LINES_AT, 9);
    this.lines.normalCharacters = sums(LINES_AT, 10);
    this.lines.beginningWords = sums(LINES_AT, 11);
    this.physicalLines.flags = sums(PHYSICAL_LINES_AT, 3);
    this.physicalLines.words = sums(PHYSICAL_LINES_AT, 4);
    this.physicalLines.sentences = sums(PHYSICAL_LINES_AT, 5);
    this.sequences.forEach((sequence, index) => {
      sequence.numbers = new Int32Array(memory, NUMBERS_AT + index * NUMBERS_BYTES, MAX_TEXT_UNITS);
      sequence.sums = new Int32Array(memory, SUMS_AT + index * SUMS_BYTES, MAX_TEXT_UNITS + 1);
      sequence.kernelPlace = index;
    });
  }

  private get sequences(): readonly WordSequence[] {
    return [this.wordSequence, this.unicodeWords, this.normalWords];
  }

  split(text: string): void {
    const { found, pieces } = this;
    this.kernel.splitPieces(text.length);
    pieces.count = found[FOUND_PIECES];
    pieces.distinctCount = found[FOUND_DISTINCT];
    pieces.wordCount = found[FOUND_WORDS];
    pieces.unicodeWordCount = found[FOUND_UNICODE_WORDS];
    pieces.numberCount = found[FOUND_NUMBERS];
    pieces.commonSpaces = found[FOUND_COMMON_SPACES];
    pieces.extraSpaceBytes = found[FOUND_EXTRA_SPACE_BYTES];
    this.lines.count = found[FOUND_LINES];
    this.physicalLines.count = found[FOUND_PHYSICAL_LINES];
  }

  measureLines(): void {
    this.kernel.measureLines();
  }

  measurePhysicalLines(): void {
    this.kernel.measurePhysicalLines();
  }

  fillSequences(): void {
    this.kernel.fillSequences();
    this.sequences.forEach((sequence, index) => {
      sequence.count = this.found[FOUND_SEQUENCES + index];
    });
  }

  foreignPieces(language: number, filters: LanguageFilters | null): Int32Array {
    const at = filters === null || language >= MAX_FILTERED_LANGUAGES ? 0 : this.filtersAt(language, filters);
    return new Int32Array(this.kernel.memory, PAIRS_AT, this.kernel.listForeign(language, at));
  }

  /** Where the filters of a language are; they are put there when they are first asked for. */
  private filtersAt(language: number, filters: LanguageFilters): number {
    const at = LANGUAGE_FILTERS_AT + language * 3 * FILTER_BYTES;
    if (this.filtered.has(language)) return at;
    this.filtered.add(language);
    [filters.beginnings, filters.stopWords, filters.sequences].forEach((filter, index) => {
      const bits = new Uint8Array(this.kernel.memory, at + index * FILTER_BYTES, FILTER_BYTES);
      filter.forEach((bit, hash) => {
        bits[hash >> 3] |= bit << (hash & 7);
      });
    });
    return at;
  }

  sumPieces(): PieceSums {
    this.kernel.sumPieces();
    PIECE_SUMS.forEach((name, index) => {
      this.sums[name] = this.totals[index];
    });
    return this.sums;
  }
}
