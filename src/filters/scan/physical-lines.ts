/**
 * Lines of a text as Python's `str.splitlines` cuts them, white space at both ends taken off: the lines that C4's
 * rules look at. Neither pieces nor words cross a line break, so a line is a range of each.
 */
import { LINE_BREAK, UNIT_CLASSES } from './character-classes.js';
import type { PieceTable } from './pieces.js';
import type { WordTable } from './word-table.js';

/** A column each; reused from text to text, grows as needed. Positions are UTF-16 code units. */
export class PhysicalLineTable {
  count = 0;
  /** First character that is no white space, and the end of the last one. Equal where the line is blank. */
  start = new Uint32Array(256);
  end = new Uint32Array(256);
  /** Pieces and words before the end of the line; those of line i begin where those of line i - 1 end. */
  pieceEnd = new Uint32Array(256);
  wordEnd = new Uint32Array(256);

  grow(): void {
    const size = this.start.length * 2;
    for (const name of ['start', 'end', 'pieceEnd', 'wordEnd'] as const) {
      const larger = new Uint32Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/** Splits `units[0, length)`; nothing behind the last line break is no line. */
export function splitPhysicalLines(
  units: Uint16Array,
  length: number,
  pieces: PieceTable,
  words: WordTable,
  lines: PhysicalLineTable,
): void {
  lines.count = 0;
  let start = 0;
  let piece = 0;
  let word = 0;
  for (let i = 0; i <= length; i++) {
    if (i < length ? (UNIT_CLASSES[units[i]] & LINE_BREAK) === 0 : start === length) continue;
    if (lines.count === lines.start.length) lines.grow();
    const firstPiece = piece;
    while (piece < pieces.count && pieces.start[piece] < i) piece += 1;
    while (word < words.count && words.start[word] < i) word += 1;
    const index = lines.count++;
    lines.start[index] = piece > firstPiece ? pieces.start[firstPiece] : start;
    lines.end[index] = piece > firstPiece ? pieces.end[piece - 1] : start;
    lines.pieceEnd[index] = piece;
    lines.wordEnd[index] = word;
    if (units[i] === CARRIAGE_RETURN && i + 1 < length && units[i + 1] === LINE_FEED) i += 1;
    start = i + 1;
  }
}
