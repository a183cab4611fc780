/** The pieces of a text, what white space separates, and its lines as ranges of them. Positions are UTF-16 code units. */
import { LINE_BREAK, SPACE, UNIT_CLASSES } from './character-classes.js';
import { mix } from './key-table.js';
import * as fact from './piece-facts.js';
import { COUNTS, RARE } from './piece-facts.js';
import {
  C4_SENTENCES,
  COMMON_COUNTS,
  DIGIT_UNITS,
  ENTRY,
  FLAGS,
  HEAD_COUNTS,
  HEAD_FLAGS,
  HEAD_HIGH,
  HEAD_INDEX,
  HEAD_LOW,
  HEAD_NORMAL,
  HEAD_RECORD,
  HEAD_TEXT,
  HEAD_UNITS,
  HEAD_WORD_CHARACTERS,
  HEAD_WORDS,
  HIGH,
  LOW,
  NORMAL_CHARACTERS,
  NORMAL_WORD,
  NUMERICAL,
  OCCURRENCES,
  PAIRS,
  PIECE,
  UNICODE_WORDS,
  UPPER_UNITS,
  VISIBLE,
  WORDS,
  WORDS_AT,
} from './piece-layout.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * Pieces in order, a column each, and the different ones among them with those of their facts that are needed for each
 * occurrence. Valid until the next text is scanned.
 */
export interface Pieces {
  readonly count: number;
  readonly start: Int32Array;
  readonly end: Int32Array;
  /** Place in `distinct` of the piece's entry. */
  readonly entry: Int32Array;
  /** One entry of `ENTRY` integers for each different piece. */
  readonly distinct: Int32Array;
  /** All counts of the different pieces, `COUNTS` each. */
  readonly counts: Int32Array;
  readonly distinctCount: number;
  /** Words of all pieces by both definitions. */
  readonly wordCount: number;
  readonly unicodeWordCount: number;
  /** Words are numbered anew for each text, so that what is counted of them lies close together; so many numbers there are. */
  readonly numberCount: number;
  /** White space that is tab, line feed, carriage return or space; bytes of white space in UTF-8 beyond one each. */
  readonly commonSpaces: number;
  readonly extraSpaceBytes: number;
}

/** The same, reused from text to text; grows as needed. */
export class PieceTable implements Pieces {
  count = 0;
  start = new Int32Array(1024);
  end = new Int32Array(1024);
  entry = new Int32Array(1024);
  distinct = new Int32Array(1024 * ENTRY);
  counts = new Int32Array(1024 * COUNTS);
  distinctCount = 0;
  /** Words of the different pieces, those by Unicode's boundaries behind the others: number and characters of each. */
  words = new Int32Array(4096);
  private wordsUsed = 0;
  wordCount = 0;
  unicodeWordCount = 0;
  numberCount = 0;
  /** For the numbers of the vocabulary: the text that met the word last, and its number there. */
  private numbers = new Int32Array(8192);
  private text = 0;
  commonSpaces = 0;
  extraSpaceBytes = 0;
  /** Whether a narrow no-break space separates two pieces: it is white space, and part of a word for Unicode. */
  hasConnector = false;

  /** Begins a text. */
  reset(vocabulary: Vocabulary): void {
    this.count = 0;
    this.distinctCount = 0;
    this.wordsUsed = 0;
    this.wordCount = 0;
    this.unicodeWordCount = 0;
    this.numberCount = 0;
    this.commonSpaces = 0;
    this.extraSpaceBytes = 0;
    this.hasConnector = false;
    vocabulary.text += 1;
    this.text = vocabulary.text;
  }

  /** Adds the piece `[start, end)`, which the vocabulary has at `head`. */
  push(start: number, end: number, head: number, vocabulary: Vocabulary): void {
    if (this.count === this.start.length) this.grow();
    const { heads } = vocabulary;
    let entry: number;
    if (heads[head + HEAD_TEXT] === this.text) entry = heads[head + HEAD_INDEX];
    else {
      entry = this.addEntry(head, vocabulary);
      heads[head + HEAD_TEXT] = this.text;
      heads[head + HEAD_INDEX] = entry;
    }
    const index = this.count++;
    this.start[index] = start;
    this.end[index] = end;
    this.entry[index] = entry;
    const { distinct } = this;
    distinct[entry + OCCURRENCES] += 1;
    this.wordCount += distinct[entry + WORDS];
    this.unicodeWordCount += distinct[entry + UNICODE_WORDS];
  }

  /** Number of a word in this text, by its number in the vocabulary. */
  numberOf(word: number): number {
    if (word * 2 >= this.numbers.length) {
      const larger = new Int32Array(Math.max(this.numbers.length * 2, (word + 1) * 2));
      larger.set(this.numbers);
      this.numbers = larger;
    }
    const { numbers } = this;
    if (numbers[word * 2] !== this.text) {
      numbers[word * 2] = this.text;
      numbers[word * 2 + 1] = this.numberCount++;
    }
    return numbers[word * 2 + 1];
  }

  private addEntry(head: number, vocabulary: Vocabulary): number {
    const { heads, headBytes } = vocabulary;
    const index = this.distinctCount++;
    const entry = index * ENTRY;
    if (entry + ENTRY > this.distinct.length) {
      this.distinct = doubled(this.distinct);
      this.counts = doubled(this.counts);
    }
    const { distinct, counts } = this;
    const first = index * COUNTS;
    const flags = heads[head + HEAD_FLAGS];
    const record = heads[head + HEAD_RECORD];
    const used = (flags & RARE) === 0 ? COMMON_COUNTS : COUNTS;
    if (record < 0) {
      const bytes = (head + HEAD_COUNTS) * 4;
      for (let i = 0; i < used; i++) counts[first + i] = headBytes[bytes + i];
    } else {
      for (let i = 0; i < used; i++) counts[first + i] = vocabulary.records[record + i];
    }
    const words = counts[first + fact.WORDS];
    const unicodeWords = counts[first + fact.UNICODE_WORDS];
    const normal = heads[head + HEAD_NORMAL];
    distinct[entry + PIECE] = head;
    distinct[entry + OCCURRENCES] = 0;
    distinct[entry + FLAGS] = flags;
    distinct[entry + LOW] = mix(heads[head + HEAD_LOW]);
    distinct[entry + HIGH] = mix(heads[head + HEAD_HIGH]);
    distinct[entry + PAIRS] = heads[head + HEAD_UNITS] - counts[first + fact.CHARACTERS];
    distinct[entry + WORDS] = words;
    distinct[entry + UNICODE_WORDS] = unicodeWords;
    distinct[entry + WORDS_AT] = this.wordsUsed;
    distinct[entry + C4_SENTENCES] = counts[first + fact.C4_SENTENCES];
    distinct[entry + UPPER_UNITS] = counts[first + fact.UPPER_UNITS];
    distinct[entry + DIGIT_UNITS] = counts[first + fact.DIGIT_UNITS];
    distinct[entry + VISIBLE] = counts[first + fact.VISIBLE];
    distinct[entry + NUMERICAL] = counts[first + fact.NUMERICAL];
    distinct[entry + NORMAL_WORD] = normal < 0 ? -1 : this.numberOf(normal);
    distinct[entry + NORMAL_CHARACTERS] = counts[first + fact.NORMAL_CHARACTERS];
    if (record < 0) {
      const characters = (head + HEAD_WORD_CHARACTERS) * 4;
      for (let i = 0; i < words; i++) this.addWord(heads[head + HEAD_WORDS + i], headBytes[characters + i]);
      if (unicodeWords > 0) this.addWord(heads[head + HEAD_WORDS + 2], headBytes[characters + 2]);
    } else {
      const { records } = vocabulary;
      const at = record + COUNTS;
      const end = at + 2 * (words + unicodeWords);
      for (let from = at; from < end; from += 2) this.addWord(records[from], records[from + 1]);
    }
    return entry;
  }

  private addWord(word: number, characters: number): void {
    if (this.wordsUsed === this.words.length) this.words = doubled(this.words);
    this.words[this.wordsUsed++] = this.numberOf(word);
    this.words[this.wordsUsed++] = characters;
  }

  private grow(): void {
    for (const name of ['start', 'end', 'entry'] as const) this[name] = doubled(this[name]);
  }
}

function doubled(old: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(old.length * 2);
  larger.set(old);
  return larger;
}

/** Lines, a column each; reused from text to text, grows as needed. */
export class LineTable {
  count = 0;
  start = new Uint32Array(256);
  /** Position of the line break, or of the end of the text. */
  end = new Uint32Array(256);
  /** Pieces before the end of the line; those of line i begin where those of line i - 1 end. */
  pieceEnd = new Uint32Array(256);

  push(start: number, end: number, pieceEnd: number): void {
    if (this.count === this.start.length) this.grow();
    const index = this.count++;
    this.start[index] = start;
    this.end[index] = end;
    this.pieceEnd[index] = pieceEnd;
  }

  private grow(): void {
    const size = this.start.length * 2;
    for (const name of ['start', 'end', 'pieceEnd'] as const) {
      const larger = new Uint32Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

/**
 * Lines with their hashes, their lengths in code points, and sums over their pieces: upper-case and digit code units, numbers
 * of the normal form and its characters, single spaces between its words included, pieces that begin with a letter or number.
 */
export class MeasuredLineTable extends LineTable {
  characters = new Uint32Array(256);
  low = new Int32Array(256);
  high = new Int32Array(256);
  /** Flags of all pieces or-ed together. */
  flags = new Int32Array(256);
  upperUnits = new Int32Array(256);
  digitUnits = new Int32Array(256);
  numerical = new Int32Array(256);
  normalCharacters = new Int32Array(256);
  beginningWords = new Int32Array(256);

  /** Makes the columns as long as those of the lines. */
  reserve(): void {
    const size = this.start.length;
    if (this.low.length >= size) return;
    this.characters = new Uint32Array(size);
    for (const name of [
      'low',
      'high',
      'flags',
      'upperUnits',
      'digitUnits',
      'numerical',
      'normalCharacters',
      'beginningWords',
    ] as const) {
      this[name] = new Int32Array(size);
    }
  }
}

/** Lines with the flags of their pieces or-ed together, their words, and their sentences as C4 counts them: one at least. */
export class PhysicalLineTable extends LineTable {
  flags = new Int32Array(256);
  words = new Int32Array(256);
  sentences = new Int32Array(256);

  /** Makes the columns as long as those of the lines. */
  reserve(): void {
    const size = this.start.length;
    if (this.flags.length >= size) return;
    for (const name of ['flags', 'words', 'sentences'] as const) this[name] = new Int32Array(size);
  }
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const NARROW_NO_BREAK_SPACE = 0x202f;

/** Of each code unit, 0: part of a piece; 1: white space; 2: white space that ends a line. */
export const separators = Uint8Array.from({ length: 0x1_0000 }, (_, unit) =>
  (UNIT_CLASSES[unit] & LINE_BREAK) !== 0 ? 2 : (UNIT_CLASSES[unit] & SPACE) !== 0 ? 1 : 0,
);

/**
 * Splits `text`, whose code units are `units[0, length)` with a space behind them.
 * @param lines as line feeds end them: one more than there are line feeds
 * @param physicalLines as Python's `str.splitlines` cuts them: nothing behind the last line break is no line
 */
export function splitPieces(
  text: string,
  units: Uint16Array,
  vocabulary: Vocabulary,
  pieces: PieceTable,
  lines: LineTable,
  physicalLines: LineTable,
): void {
  const { length } = text;
  pieces.reset(vocabulary);
  lines.count = 0;
  physicalLines.count = 0;
  let lineStart = 0;
  let physicalStart = 0;
  let i = 0;
  while (i < length) {
    const separator = separators[units[i]];
    if (separator !== 0) {
      const unit = units[i];
      if (isCommonSpace(unit)) pieces.commonSpaces += 1;
      else if (unit >= 0x80) pieces.extraSpaceBytes += unit < 0x800 ? 1 : 2;
      if (separator === 2) {
        // A line feed behind a carriage return ends no second line.
        if (unit !== LINE_FEED || i === 0 || units[i - 1] !== CARRIAGE_RETURN) {
          physicalLines.push(physicalStart, i, pieces.count);
        }
        physicalStart = i + 1;
        if (unit === LINE_FEED) {
          lines.push(lineStart, i, pieces.count);
          lineStart = i + 1;
        }
      } else if (unit === NARROW_NO_BREAK_SPACE) pieces.hasConnector = true;
      i += 1;
      continue;
    }
    const start = i;
    let low = 0x811c9dc5 | 0;
    let high = 0x9747b28c | 0;
    let unit = units[i];
    do {
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995);
      unit = units[++i];
    } while (separators[unit] === 0);
    pieces.push(start, i, vocabulary.find(text, units, start, i, low, high), vocabulary);
  }
  lines.push(lineStart, length, pieces.count);
  if (physicalStart < length) physicalLines.push(physicalStart, length, pieces.count);
}

function isCommonSpace(unit: number): boolean {
  return unit === 0x20 || unit === LINE_FEED || unit === CARRIAGE_RETURN || unit === 0x09;
}
