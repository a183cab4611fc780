/**
 * Hashes of ranges of a text that lines are made of, from the hashes of their pieces and the white space between them:
 * equal where the ranges are, whatever line they are part of. Equality is that of 64-bit hashes.
 */
import { SPACE, UNIT_CLASSES } from './character-classes.js';
import { mix } from './key-table.js';
import { HIGH, LOW, PAIRS } from './piece-layout.js';
import type { Scan } from './scan.js';

/** Both halves of the hash of the last range, and its code points. */
export const range = { low: 0, high: 0, characters: 0 };

const SEED_LOW = 0x811c9dc5 | 0;
const SEED_HIGH = 0x9747b28c | 0;

/** Hashes the code units `[start, end)` of a text, which are the pieces `[first, last)` and white space. */
export function hashRange(scan: Scan, start: number, end: number, first: number, last: number): void {
  const { units, pieces } = scan;
  const { distinct } = pieces;
  let low = SEED_LOW;
  let high = SEED_HIGH;
  let characters = end - start;
  let i = start;
  for (let piece = first; piece < last; piece++) {
    for (const from = pieces.start[piece]; i < from; i++) {
      low = Math.imul(low ^ units[i], 0x01000193);
      high = Math.imul(high ^ units[i], 0x5bd1e995);
    }
    const entry = pieces.entry[piece];
    low = Math.imul(low ^ distinct[entry + LOW], 0x01000193);
    high = Math.imul(high ^ distinct[entry + HIGH], 0x5bd1e995);
    characters -= distinct[entry + PAIRS];
    i = pieces.end[piece];
  }
  for (; i < end; i++) {
    low = Math.imul(low ^ units[i], 0x01000193);
    high = Math.imul(high ^ units[i], 0x5bd1e995);
  }
  range.low = low;
  range.high = high;
  range.characters = characters;
}

/** The same of code units that are no part of a scanned text. */
export function hashUnits(units: Uint16Array): void {
  let low = SEED_LOW;
  let high = SEED_HIGH;
  let pairs = 0;
  let i = 0;
  while (i < units.length) {
    if ((UNIT_CLASSES[units[i]] & SPACE) !== 0) {
      low = Math.imul(low ^ units[i], 0x01000193);
      high = Math.imul(high ^ units[i], 0x5bd1e995);
      i += 1;
      continue;
    }
    let pieceLow = SEED_LOW;
    let pieceHigh = SEED_HIGH;
    for (; i < units.length && (UNIT_CLASSES[units[i]] & SPACE) === 0; i++) {
      pieceLow = Math.imul(pieceLow ^ units[i], 0x01000193);
      pieceHigh = Math.imul(pieceHigh ^ units[i], 0x5bd1e995);
      if ((units[i] & 0xfc00) === 0xdc00 && i > 0 && (units[i - 1] & 0xfc00) === 0xd800) pairs += 1;
    }
    low = Math.imul(low ^ mix(pieceLow), 0x01000193);
    high = Math.imul(high ^ mix(pieceHigh), 0x5bd1e995);
  }
  range.low = low;
  range.high = high;
  range.characters = units.length - pairs;
}
