/** The pieces of a text, what white space separates, and its lines as ranges of them. Positions are UTF-16 code units. */
import { LINE_BREAK, SPACE, UNIT_CLASSES } from './character-classes.js';
import { UNICODE_WORDS, WORDS } from './piece-facts.js';
import type { Vocabulary } from './vocabulary.js';

/** A column each; reused from text to text, grows as needed. */
export class PieceTable {
  count = 0;
  start = new Uint32Array(1024);
  end = new Uint32Array(1024);
  /** Place of the piece's record in the vocabulary. */
  record = new Int32Array(1024);
  /** Sums over the pieces. */
  words = 0;
  unicodeWords = 0;
  /** White space that is tab, line feed, carriage return or space; bytes of white space in UTF-8 beyond one each. */
  commonSpaces = 0;
  extraSpaceBytes = 0;
  /** Whether a narrow no-break space separates two pieces: it is white space, and part of a word for Unicode. */
  hasConnector = false;

  grow(): void {
    const size = this.start.length * 2;
    for (const name of ['start', 'end'] as const) {
      const larger = new Uint32Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
    const larger = new Int32Array(size);
    larger.set(this.record);
    this.record = larger;
  }
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

/** Lines with their hashes and lengths in code points. */
export class HashedLineTable extends LineTable {
  characters = new Uint32Array(256);
  low = new Int32Array(256);
  high = new Int32Array(256);

  /** Makes the columns as long as those of the lines. */
  reserve(): void {
    const size = this.start.length;
    if (this.low.length >= size) return;
    this.characters = new Uint32Array(size);
    this.low = new Int32Array(size);
    this.high = new Int32Array(size);
  }
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
const NARROW_NO_BREAK_SPACE = 0x202f;

/** 0: part of a piece; 1: white space; 2: white space that ends a line. */
const separators = Uint8Array.from({ length: 0x1_0000 }, (_, unit) =>
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
  pieces.count = 0;
  pieces.words = 0;
  pieces.unicodeWords = 0;
  pieces.commonSpaces = 0;
  pieces.extraSpaceBytes = 0;
  pieces.hasConnector = false;
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
    const record = vocabulary.find(text, units, start, i, low, high);
    if (pieces.count === pieces.start.length) pieces.grow();
    const index = pieces.count++;
    pieces.start[index] = start;
    pieces.end[index] = i;
    pieces.record[index] = record;
    pieces.words += vocabulary.records[record + WORDS];
    pieces.unicodeWords += vocabulary.records[record + UNICODE_WORDS];
  }
  lines.push(lineStart, length, pieces.count);
  if (physicalStart < length) physicalLines.push(physicalStart, length, pieces.count);
}

function isCommonSpace(unit: number): boolean {
  return unit === 0x20 || unit === LINE_FEED || unit === CARRIAGE_RETURN || unit === 0x09;
}
