/**
 * The shingles of a text as 64-bit hashes in two independent halves of 32 bits, in blocks.
 *
 * Words: n-grams of the words of `scan/words.ts` in lower case, words of punctuation left out. A letter of a script
 * without spaces (Han, Thai, ...) is a word there, so such scripts get n-grams of characters. Characters: n-grams of
 * UTF-16 code units in lower case, a run of white space being one space and none at the ends.
 *
 * A text with fewer units than a shingle is one shingle of all of them; a text without words is one shingle of all its
 * characters, so that it equals itself only; the empty text is one shingle of nothing. Stop words are words.
 */
import { mix } from '../scan/key-table.js';
import { classOf, LOWER_CASE_UNITS, PUNCTUATION, SPACE, UNIT_CLASSES } from '../scan/character-classes.js';
import { scanText, type Scan } from '../scan/scan.js';
import { splitWords, type WordSink } from '../scan/words.js';
import { BLOCK } from './kernel.js';
import type { MinhashParameters } from './parameters.js';

/** Units up to which the buffers are kept for the next text. */
const RETAINED_UNITS = 1 << 20;
/** Odd multipliers of the rolling hashes over characters. */
const ROLL_LOW = 0x01000193;
const ROLL_HIGH = 0x5bd1e995;

let unitLow = new Int32Array(1024);
let unitHigh = new Int32Array(1024);

/**
 * Writes the hashes of the shingles of `text` to `low` and `high`, which hold `BLOCK` values, and calls `take` with
 * the number of them for each block; at least once. A shingle that occurs again is given again. Linear in the text.
 */
export function forEachBlock(
  text: string,
  { unit, shingle, fold }: Pick<MinhashParameters, 'unit' | 'shingle' | 'fold'>,
  low: Int32Array,
  high: Int32Array,
  take: (count: number) => void,
): void {
  const scan = scanText(fold ? withoutAccents(text) : text);
  const units = unit === 'words' ? hashWords(scan) : foldCharacters(scan);
  if (units < shingle) {
    if (units === 0) hashRaw(scan, low, high);
    else if (unit === 'words') hashShingle(0, units, low, high, 0);
    else rollCharacters(0, 1, units, low, high);
    take(1);
    return;
  }
  const shingles = units - shingle + 1;
  for (let start = 0; start < shingles; start += BLOCK) {
    const count = Math.min(BLOCK, shingles - start);
    if (unit === 'words') {
      for (let i = 0; i < count; i++) hashShingle(start + i, shingle, low, high, i);
    } else {
      rollCharacters(start, count, shingle, low, high);
    }
    take(count);
  }
}

/** Canonical decomposition without nonspacing marks: `Café` and `Cafe` are the same. */
function withoutAccents(text: string): string {
  return text.normalize('NFD').replaceAll(/\p{Mn}+/gu, '');
}

function reserve(size: number): void {
  const isTooLarge = unitLow.length > RETAINED_UNITS * 2 && size <= RETAINED_UNITS;
  if (unitLow.length >= size && !isTooLarge) return;
  unitLow = new Int32Array(Math.max(1024, size * 2));
  unitHigh = new Int32Array(Math.max(1024, size * 2));
}

/** Hashes the words that are no symbols, in lower case, into the buffers; returns how many. */
function hashWords({ units, length }: Scan): number {
  reserve(0);
  splitWords(units, 0, length, wordHashes);
  return wordHashes.count;
}

/** One pass over a word: its table of words (`scan/word-table.ts`) would take two, and more room. */
const wordHashes: WordSink = {
  count: 0,
  push(units, start, end) {
    let a = 0x2545f491;
    let b = 0x6a09e667;
    let common = PUNCTUATION;
    for (let i = start; i < end; i++) {
      const unit = units[i];
      const lower = LOWER_CASE_UNITS[unit];
      a = Math.imul(a ^ lower, 0x01000193);
      b = Math.imul(b ^ lower, 0x5bd1e995);
      if ((unit & 0xfc00) !== 0xd800 || i + 1 >= end) {
        common &= UNIT_CLASSES[unit];
        continue;
      }
      const next = units[++i];
      const lowerNext = LOWER_CASE_UNITS[next];
      a = Math.imul(a ^ lowerNext, 0x01000193);
      b = Math.imul(b ^ lowerNext, 0x5bd1e995);
      common &= classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (next & 0x3ff));
    }
    // Of punctuation alone: a symbol.
    if (common !== 0) return;
    if (this.count === unitLow.length) {
      unitLow = grown(unitLow);
      unitHigh = grown(unitHigh);
    }
    unitLow[this.count] = a;
    unitHigh[this.count] = b;
    this.count += 1;
  },
};

function grown(buffer: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * buffer.length);
  larger.set(buffer);
  return larger;
}

/** Puts the hash of `count` words from `start` on into place `slot` of the block. */
function hashShingle(start: number, count: number, low: Int32Array, high: Int32Array, slot: number): void {
  let a = count;
  let b = ~count;
  for (let i = start; i < start + count; i++) {
    a = Math.imul(((a << 13) | (a >>> 19)) ^ unitLow[i], 0x9e3779b1);
    b = Math.imul(((b << 13) | (b >>> 19)) ^ unitHigh[i], 0x85ebca77);
  }
  low[slot] = mix(a);
  high[slot] = mix(b);
}

/** The characters that count, into the first buffer; returns how many. */
function foldCharacters({ units, length }: Scan): number {
  reserve(length);
  let count = 0;
  let pendingSpace = false;
  for (let i = 0; i < length; i++) {
    if ((UNIT_CLASSES[units[i]] & SPACE) !== 0) {
      pendingSpace = count > 0;
      continue;
    }
    if (pendingSpace) unitLow[count++] = 0x20;
    pendingSpace = false;
    unitLow[count++] = LOWER_CASE_UNITS[units[i]];
  }
  return count;
}

/** Rabin-Karp: `count` shingles of `size` characters from the one that starts at `start`. */
function rollCharacters(start: number, count: number, size: number, low: Int32Array, high: Int32Array): void {
  let a = 0;
  let b = 0;
  let leavingLow = 1;
  let leavingHigh = 1;
  for (let i = 0; i < size; i++) {
    a = (Math.imul(a, ROLL_LOW) + unitLow[start + i] + 1) | 0;
    b = (Math.imul(b, ROLL_HIGH) + unitLow[start + i] + 1) | 0;
    leavingLow = Math.imul(leavingLow, ROLL_LOW);
    leavingHigh = Math.imul(leavingHigh, ROLL_HIGH);
  }
  low[0] = mix(a);
  high[0] = mix(b);
  for (let i = 1; i < count; i++) {
    const gone = unitLow[start + i - 1] + 1;
    const come = unitLow[start + i + size - 1] + 1;
    a = (Math.imul(a, ROLL_LOW) + come - Math.imul(gone, leavingLow)) | 0;
    b = (Math.imul(b, ROLL_HIGH) + come - Math.imul(gone, leavingHigh)) | 0;
    low[i] = mix(a);
    high[i] = mix(b);
  }
}

/** The one shingle of a text without units. */
function hashRaw({ units, length }: Scan, low: Int32Array, high: Int32Array): void {
  let a = 0x3c6ef372;
  let b = 0x510e527f;
  for (let i = 0; i < length; i++) {
    a = Math.imul(a ^ units[i], 0x01000193);
    b = Math.imul(b ^ units[i], 0x5bd1e995);
  }
  low[0] = mix(a);
  high[0] = mix(b);
}
