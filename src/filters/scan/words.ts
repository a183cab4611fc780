/**
 * The word splitter of all signals and of MinHash: linear in the text, and without a dictionary.
 *
 * It follows the rules of spaCy's English tokenizer, which datatrove's filters use, as far as they need no list of
 * exceptions. A *word* here is what that tokenizer calls a token: punctuation marks are words of their own, and
 * `isSymbol` tells them apart.
 *
 *  1. White space separates words.
 *  2. A run of letters, marks and numbers is a word. A single other ASCII character between two such characters joins
 *     them (`3.14`, `1,000`, `a_b`, `AT&T`, `me@example.com`, `covid-19`, `10:30`), except
 *       - brackets, double quotes and `#`,
 *       - a hyphen, colon, slash, `<`, `>` or `=` before a letter, and a comma between letters,
 *       - a hyphen, `+`, `*` or `^` between digits,
 *       - a full stop between a lower-case and an upper-case letter (a missing space between two sentences).
 *  3. A hyphen or slash at one end of a word belongs to it (`pre-`, `/usr`), and so does a `+` before a digit and the
 *     full stop behind a single letter (`J.`, `U.S.`, `e.g.`).
 *  4. English contractions are two words: `do|n't`, `it|'s`, `we|'ll`.
 *  5. An address with a scheme is one word up to the white space, less punctuation at its end.
 *  6. Every other character is a word, together with the marks that follow it; full stops in a row are one, and so
 *     are hyphens and slashes.
 *  7. A letter of a script without spaces (Han, Hiragana, Thai, Lao, Khmer, Myanmar, Tibetan) is a word with the marks
 *     that follow it. Katakana and Hangul are written in runs and follow rule 2.
 *
 * Of the white-space-separated pieces of 1,013 texts from 510 web pages in many languages, 99% are split as by that
 * tokenizer with its list of exceptions.
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

/** What takes words, each `units[start, end)`, in order. */
export interface WordSink {
  /** Begins anew. */
  count: number;
  push(units: Uint16Array, start: number, end: number): void;
}

/** Splits `units[start, length)`, before which there is white space or nothing, into words. */
export function splitWords(units: Uint16Array, start: number, length: number, words: WordSink): void {
  words.count = 0;
  let i = start;
  while (i < length) {
    const bits = classAt(units, i, length);
    if ((bits & SPACE) !== 0) {
      i += 1;
      continue;
    }
    if ((bits & WORD) !== 0 && (bits & UNSPACED) === 0) {
      const simple = simpleWordEnd(units, i, length);
      if (simple > 0) {
        words.push(units, i, simple);
        i = simple;
        continue;
      }
    }
    let end: number;
    if ((bits & UNSPACED) !== 0) end = marksEnd(units, i + widthAt(units, i, length), length);
    else if ((bits & WORD) !== 0) end = wordEnd(units, i, length);
    else end = symbolEnd(units, i, length);
    words.push(units, i, end);
    i = end;
  }
}

/**
 * End of a word of ASCII letters and digits that white space ends, or a comma before white space: what most words are.
 * 0 where the word is another.
 */
function simpleWordEnd(units: Uint16Array, start: number, length: number): number {
  let i = start;
  while (i < length && units[i] < 0x80 && (UNIT_CLASSES[units[i]] & (LETTER | DIGIT)) !== 0) i += 1;
  if (i === length || (UNIT_CLASSES[units[i]] & SPACE) !== 0) return i === start ? 0 : i;
  const isClause = units[i] === COMMA && i + 1 < length && (UNIT_CLASSES[units[i + 1]] & SPACE) !== 0;
  return isClause && i > start ? i : 0;
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
      if (!isRun(bits)) break;
      if ((bits & MARK) === 0) previous = bits;
      i += widthAt(units, i, length);
    }
    if (i >= length) return i;
    const unit = units[i];
    if (unit === COLON && i + 2 < length && units[i + 1] === SLASH && units[i + 2] === SLASH) {
      return addressEnd(units, i, length);
    }
    const next = i + 1 < length ? classAt(units, i + 1, length) : 0;
    if (!isRun(next)) return i + 1 < length && units[i + 1] === unit ? i : i + tailLength(units, start, i);
    if ((UNIT_CLASSES[unit] & UNSPACED) !== 0) return i;
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

/** Whether a character of these classes continues a run of word characters. */
function isRun(bits: number): boolean {
  return (bits & WORD) !== 0 && (bits & UNSPACED) === 0;
}

/** 1 where the character behind a word belongs to it: a hyphen, a slash, or the full stop of an abbreviation. */
function tailLength(units: Uint16Array, start: number, end: number): number {
  const unit = units[end];
  if (unit === HYPHEN || unit === SLASH) return 1;
  const isSingleLetter =
    unit === FULL_STOP &&
    (UNIT_CLASSES[units[end - 1]] & LETTER) !== 0 &&
    (end - 1 === start || units[end - 2] === FULL_STOP);
  return isSingleLetter ? 1 : 0;
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
      return (next & LETTER) === 0 && !digits;
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
  const followsWord = start > 0 && (UNIT_CLASSES[units[start - 1]] & WORD) !== 0;
  let end = start + widthAt(units, start, length);
  if (unit === FULL_STOP || unit === HYPHEN || unit === SLASH) {
    while (end < length && units[end] === unit) end += 1;
  }
  if (unit === HYPHEN || unit === SLASH || unit === PLUS) {
    const next = end < length ? classAt(units, end, length) : 0;
    const begins = !followsWord && isRun(next) && (unit !== PLUS || (next & DIGIT) !== 0);
    if (begins) return wordEnd(units, end, length);
  }
  if (followsWord && (unit === APOSTROPHE || unit === RIGHT_QUOTE)) {
    const letters = contractionLetters(units, start, length);
    if (letters !== '' && letters !== 't') return start + 1 + letters.length;
  }
  return marksEnd(units, end, length);
}
