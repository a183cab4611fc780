/**
 * The word splitter of all signals and of MinHash: linear in the text, and without a dictionary.
 *
 * It follows the rules of spaCy's English tokenizer, which datatrove's filters use, as far as they need no list of
 * exceptions. A *word* here is what that tokenizer calls a token: punctuation marks are words of their own, and
 * `isSymbol` tells them apart.
 *
 *  1. White space separates words.
 *  2. A run of letters, marks and numbers is a word. A single other character between two such characters joins them
 *     (`3.14`, `1,000`, `a_b`, `AT&T`, `me@example.com`, `covid-19`, `10:30`), except
 *       - a hyphen, comma, colon, slash, `<`, `>` or `=` between letters, brackets and quotes other than apostrophes,
 *       - a hyphen, `+`, `*` or `^` between digits,
 *       - a full stop between a lower-case and an upper-case letter (a missing space between two sentences).
 *  3. English contractions are two words: `do|n't`, `it|'s`, `we|'ll`.
 *  4. An address with a scheme is one word up to the white space, less punctuation at its end.
 *  5. Every other character is a word, together with the marks that follow it; full stops in a row are one, and so
 *     are hyphens.
 *  6. A letter of a script without spaces (Han, Hiragana, Thai, Lao, Khmer, Myanmar, Tibetan) is a word with the marks
 *     that follow it. Katakana and Hangul are written in runs and follow rule 2.
 *
 * Positions are UTF-16 code units, lengths of words are code points.
 */
import {
  classOf,
  DIGIT,
  LETTER,
  LOWER,
  MARK,
  PUNCTUATION,
  SPACE,
  UNIT_CLASSES,
  UNSPACED,
  UPPER,
  WORD,
} from './character-classes.js';

const DOUBLE_QUOTE = 0x22;
const HASH = 0x23;
const APOSTROPHE = 0x27;
const ASTERISK = 0x2a;
const PLUS = 0x2b;
const COMMA = 0x2c;
const HYPHEN = 0x2d;
const FULL_STOP = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;
const LESS = 0x3c;
const EQUALS = 0x3d;
const GREATER = 0x3e;
const CARET = 0x5e;
const RIGHT_QUOTE = 0x2019;

/** Words of one text, a column each. Reused from text to text; grows as needed. */
export class WordTable {
  count = 0;
  start = new Uint32Array(1024);
  end = new Uint32Array(1024);
  /** Length in code points. */
  characters = new Uint32Array(1024);
  /** The classes of its characters or-ed together. */
  classes = new Uint16Array(1024);
  /** 1 where every character is punctuation: the word is a symbol. */
  isSymbol = new Uint8Array(1024);
  /** Hash of the word in two halves that are independent of each other. */
  low = new Uint32Array(1024);
  high = new Uint32Array(1024);

  /** Adds the word of `units[start, end)`. */
  push(units: Uint16Array, start: number, end: number): void {
    if (this.count === this.start.length) this.grow();
    let low = 0x811c9dc5;
    let high = 0x9747b28c;
    let characters = 0;
    let classes = 0;
    let common = PUNCTUATION;
    for (let i = start; i < end; i++) {
      const unit = units[i];
      let bits = UNIT_CLASSES[unit];
      low = Math.imul(low ^ unit, 0x01000193);
      high = Math.imul(high ^ unit, 0x5bd1e995);
      if ((unit & 0xfc00) === 0xd800 && i + 1 < end) {
        const next = units[++i];
        low = Math.imul(low ^ next, 0x01000193);
        high = Math.imul(high ^ next, 0x5bd1e995);
        bits = classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (next & 0x3ff));
      }
      classes |= bits;
      common &= bits;
      characters += 1;
    }
    const index = this.count++;
    this.start[index] = start;
    this.end[index] = end;
    this.characters[index] = characters;
    this.classes[index] = classes;
    this.isSymbol[index] = common === 0 ? 0 : 1;
    this.low[index] = low;
    this.high[index] = high;
  }

  private grow(): void {
    const size = this.start.length * 2;
    const larger = <T extends Uint8Array | Uint16Array | Uint32Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    this.start = larger(this.start, new Uint32Array(size));
    this.end = larger(this.end, new Uint32Array(size));
    this.characters = larger(this.characters, new Uint32Array(size));
    this.classes = larger(this.classes, new Uint16Array(size));
    this.isSymbol = larger(this.isSymbol, new Uint8Array(size));
    this.low = larger(this.low, new Uint32Array(size));
    this.high = larger(this.high, new Uint32Array(size));
  }
}

/** Splits `units[0, length)` into words. */
export function splitWords(units: Uint16Array, length: number, words: WordTable): void {
  words.count = 0;
  let i = 0;
  while (i < length) {
    const bits = classAt(units, i, length);
    if ((bits & SPACE) !== 0) {
      i += 1;
      continue;
    }
    let end: number;
    if ((bits & UNSPACED) !== 0) end = marksEnd(units, i + widthAt(units, i, length), length);
    else if ((bits & WORD) !== 0) end = wordEnd(units, i, length);
    else end = symbolEnd(units, i, length);
    words.push(units, i, end);
    i = end;
  }
}

function widthAt(units: Uint16Array, i: number, length: number): number {
  return (units[i] & 0xfc00) === 0xd800 && i + 1 < length && (units[i + 1] & 0xfc00) === 0xdc00 ? 2 : 1;
}

function classAt(units: Uint16Array, i: number, length: number): number {
  const unit = units[i];
  if ((unit & 0xfc00) !== 0xd800 || widthAt(units, i, length) === 1) return UNIT_CLASSES[unit];
  return classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (units[i + 1] & 0x3ff));
}

function marksEnd(units: Uint16Array, start: number, length: number): number {
  let i = start;
  while (i < length && (classAt(units, i, length) & MARK) !== 0) i += widthAt(units, i, length);
  return i;
}

function wordEnd(units: Uint16Array, start: number, length: number): number {
  let i = start;
  let previous = 0;
  for (;;) {
    while (i < length) {
      const bits = classAt(units, i, length);
      if ((bits & WORD) === 0 || (bits & UNSPACED) !== 0) break;
      if ((bits & MARK) === 0) previous = bits;
      i += widthAt(units, i, length);
    }
    if (i + 1 >= length) return i;
    const unit = units[i];
    const next = classAt(units, i + 1, length);
    if (unit === COLON && units[i + 1] === SLASH && units[i + 2] === SLASH)
      return addressEnd(units, i, length);
    if ((next & WORD) === 0 || (next & UNSPACED) !== 0 || (UNIT_CLASSES[unit] & UNSPACED) !== 0) return i;
    if (unit === APOSTROPHE || unit === RIGHT_QUOTE) {
      const letters = contractionLetters(units, i, length);
      if (letters === 't') {
        const isN = (units[i - 1] | 0x20) === 0x6e;
        // `n't` is a word that starts with its n; a `t` behind any other letter is no contraction.
        if (isN && i - 1 > start) return i - 1;
      } else if (letters !== '') return i;
    } else if (!joins(unit, previous, next)) return i;
    i += 1;
  }
}

/** Whether `unit` joins two word characters of these classes into one word. */
function joins(unit: number, previous: number, next: number): boolean {
  const bits = UNIT_CLASSES[unit];
  if ((bits & SPACE) !== 0) return false;
  const letters = (previous & LETTER) !== 0 && (next & LETTER) !== 0;
  const digits = (previous & DIGIT) !== 0 && (next & DIGIT) !== 0;
  switch (unit) {
    case FULL_STOP:
      return !((previous & LOWER) !== 0 && (next & UPPER) !== 0);
    case COMMA:
      return !letters;
    case HYPHEN:
      return !letters && !digits;
    case PLUS:
    case ASTERISK:
    case CARET:
      return !digits;
    case COLON:
    case SLASH:
    case LESS:
    case GREATER:
    case EQUALS:
      return (next & LETTER) === 0;
    default:
      return unit < 0x80 && unit !== DOUBLE_QUOTE && unit !== HASH && !isBracket(unit);
  }
}

function isBracket(unit: number): boolean {
  // ( ) [ ] { }
  return unit === 0x28 || unit === 0x29 || unit === 0x5b || unit === 0x5d || unit === 0x7b || unit === 0x7d;
}

/** The letters behind an apostrophe, in lower case, where they are an English contraction; else ''. */
function contractionLetters(units: Uint16Array, apostrophe: number, length: number): string {
  let end = apostrophe + 1;
  while (end < length && end < apostrophe + 4 && (UNIT_CLASSES[units[end]] & WORD) !== 0) end += 1;
  const size = end - apostrophe - 1;
  if (size === 1) {
    const letter = units[apostrophe + 1] | 0x20;
    return letter === 0x73 || letter === 0x6d || letter === 0x64 || letter === 0x74
      ? String.fromCharCode(letter)
      : '';
  }
  if (size !== 2) return '';
  const letters = String.fromCharCode(units[apostrophe + 1] | 0x20, units[apostrophe + 2] | 0x20);
  return letters === 'll' || letters === 're' || letters === 've' ? letters : '';
}

/** End of an address whose scheme ends at `colon`. */
function addressEnd(units: Uint16Array, colon: number, length: number): number {
  let end = colon + 3;
  while (end < length && (classAt(units, end, length) & SPACE) === 0) end += 1;
  while (end > colon + 3 && units[end - 1] !== SLASH && (UNIT_CLASSES[units[end - 1]] & PUNCTUATION) !== 0)
    end -= 1;
  return end;
}

function symbolEnd(units: Uint16Array, start: number, length: number): number {
  const unit = units[start];
  if (unit === FULL_STOP || unit === HYPHEN) {
    let end = start + 1;
    while (end < length && units[end] === unit) end += 1;
    return end;
  }
  if (
    (unit === APOSTROPHE || unit === RIGHT_QUOTE) &&
    start > 0 &&
    (UNIT_CLASSES[units[start - 1]] & WORD) !== 0
  ) {
    const letters = contractionLetters(units, start, length);
    if (letters !== '' && letters !== 't') return start + 1 + letters.length;
  }
  return marksEnd(units, start + widthAt(units, start, length), length);
}
