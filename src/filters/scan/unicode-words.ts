/**
 * Words by the default word boundaries of Unicode (UAX #29), those that begin with a letter or number.
 *
 * As those rules have it, each letter of a script without spaces (Han, Hiragana, Thai, Lao, Khmer, Myanmar, Tibetan)
 * is a word of its own with the marks that follow it, and katakana is written in runs. There is no dictionary. Of the
 * rules that need one more property, WB7b and WB7c (quotation marks inside Hebrew words) are left out.
 */
import {
  classOf,
  CONNECTOR,
  DIGIT,
  KATAKANA,
  LETTER,
  MARK,
  NUMBER,
  UNIT_CLASSES,
  UNSPACED,
} from './character-classes.js';

/** A column each; reused from text to text, grows as needed. Lengths are code points. */
export class UnicodeWordTable {
  count = 0;
  characters = new Uint32Array(1024);
  /** Hash of the word in two halves that are independent of each other. */
  low = new Uint32Array(1024);
  high = new Uint32Array(1024);

  push(characters: number, low: number, high: number): void {
    if (this.count === this.low.length) this.grow();
    const index = this.count++;
    this.characters[index] = characters;
    this.low[index] = low;
    this.high[index] = high;
  }

  private grow(): void {
    const size = this.low.length * 2;
    for (const name of ['characters', 'low', 'high'] as const) {
      const larger = new Uint32Array(size);
      larger.set(this[name]);
      this[name] = larger;
    }
  }
}

/** Kinds of UAX #29 that decide whether a word goes on. The kernel knows the first three. */
const OTHER = 0;
const ALPHABETIC = 1;
const NUMERIC_KIND = 2;
const KATAKANA_KIND = 3;
const CONNECTOR_KIND = 4;
const EXTEND = 5;

/** What a character between two letters (1) or two digits (2) may be without ending the word. */
export const middle = new Uint8Array(0x1_0000);
for (const code of [0x3a, 0xb7, 0x387, 0x55f, 0x5f4, 0x2027, 0xfe13, 0xfe55, 0xff1a]) middle[code] = 1;
for (const code of [0x2e, 0x27, 0x2018, 0x2019, 0x2024, 0xfe52, 0xff07, 0xff0e]) middle[code] = 3;
for (const code of [
  0x2c, 0x3b, 0x37e, 0x589, 0x60c, 0x60d, 0x66c, 0x7f8, 0x2044, 0xfe10, 0xfe14, 0xfe50, 0xfe54, 0xff0c,
  0xff1b,
])
  middle[code] = 2;

export function kindOf(bits: number): number {
  if ((bits & MARK) !== 0) return EXTEND;
  if ((bits & KATAKANA) !== 0) return KATAKANA_KIND;
  if ((bits & UNSPACED) !== 0) return OTHER;
  if ((bits & LETTER) !== 0) return ALPHABETIC;
  if ((bits & DIGIT) !== 0) return NUMERIC_KIND;
  if ((bits & CONNECTOR) !== 0) return CONNECTOR_KIND;
  return OTHER;
}

/** 1: a letter or digit that words are written in runs of; 2: it ends a word whatever follows; 0: look closer. */
export const plain = new Uint8Array(0x1_0000);
for (let unit = 0; unit < 0x1_0000; unit++) {
  const bits = UNIT_CLASSES[unit];
  const kind = kindOf(bits);
  const isSurrogate = (unit & 0xf800) === 0xd800;
  if (kind === ALPHABETIC || kind === NUMERIC_KIND) plain[unit] = 1;
  else if (kind === OTHER && middle[unit] === 0 && !isSurrogate) {
    plain[unit] = (bits & (LETTER | NUMBER)) === 0 ? 2 : 0;
  }
}

/** Splits `units[start, length)` into words. */
export function splitUnicodeWords(
  units: Uint16Array,
  start: number,
  length: number,
  words: UnicodeWordTable,
): void {
  words.count = 0;
  let i = start;
  while (i < length) {
    if (plain[units[i]] === 2) {
      i += 1;
      continue;
    }
    const first = i;
    let low = 0x811c9dc5;
    let high = 0x9747b28c;
    while (i < length && plain[units[i]] === 1) {
      const unit = units[i++];
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995);
    }
    if (i > first && (i === length || plain[units[i]] === 2)) words.push(i - first, low, high);
    else i = takeWord(units, first, length, words);
  }
}

/** Takes what begins at `start` by all rules; returns where it ends. */
function takeWord(units: Uint16Array, start: number, length: number, words: UnicodeWordTable): number {
  const bits = classAt(units, start, length);
  const isWord = (bits & (LETTER | DIGIT | NUMBER)) !== 0;
  if (!isWord && (bits & CONNECTOR) === 0) return start + 1;
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  let characters = 0;
  const end = wordEnd(units, start, length, kindOf(bits));
  for (let i = start; i < end; i++) {
    const unit = units[i];
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5bd1e995);
    if ((unit & 0xfc00) !== 0xdc00 || characters === 0) characters += 1;
  }
  if (isWord) words.push(characters, low, high);
  return end;
}

function wordEnd(units: Uint16Array, start: number, length: number, first: number): number {
  let kind = first;
  let i = start + widthAt(units, start, length);
  while (i < length) {
    const next = kindOf(classAt(units, i, length));
    if (next === EXTEND) {
      i += widthAt(units, i, length);
      continue;
    }
    if (kind === OTHER) return i;
    if (next !== OTHER) {
      const joins =
        next === KATAKANA_KIND || kind === KATAKANA_KIND
          ? next === kind || next === CONNECTOR_KIND || kind === CONNECTOR_KIND
          : true;
      if (!joins) return i;
      kind = next;
      i += widthAt(units, i, length);
      continue;
    }
    const allowed = middle[units[i]];
    const needed = kind === ALPHABETIC ? 1 : kind === NUMERIC_KIND ? 2 : 0;
    if ((allowed & needed) === 0) return i;
    // The character behind it, marks aside, must be of the same kind.
    let behind = i + 1;
    let following = OTHER;
    for (; behind < length && behind < i + MAX_LOOK; behind += widthAt(units, behind, length)) {
      following = kindOf(classAt(units, behind, length));
      if (following !== EXTEND) break;
    }
    if (following !== kind) return i;
    i = behind;
  }
  return length;
}

/** Marks that are looked over behind a character in the middle of a word, so that no text makes the search quadratic. */
const MAX_LOOK = 32;

function widthAt(units: Uint16Array, i: number, length: number): number {
  return (units[i] & 0xfc00) === 0xd800 && i + 1 < length && (units[i + 1] & 0xfc00) === 0xdc00 ? 2 : 1;
}

function classAt(units: Uint16Array, i: number, length: number): number {
  const unit = units[i];
  if ((unit & 0xfc00) !== 0xd800 || widthAt(units, i, length) === 1) return UNIT_CLASSES[unit];
  return classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (units[i + 1] & 0x3ff));
}
