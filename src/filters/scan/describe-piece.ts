/**
 * Finds all facts of a piece. A piece is described once, when a thread first meets it; texts are then sums over the
 * records of their pieces.
 *
 * Raw words are runs of letters, numbers and underscores, or of other characters (NLTK's WordPunctTokenizer).
 */
import { KEY_PREFIX } from '../pii/key-signs.js';
import {
  classOf,
  DIGIT,
  LETTER,
  LOWER,
  MARK,
  NUMERIC,
  SENTENCE_END,
  UNIT_CLASSES,
  UPPER,
} from './character-classes.js';
import { isAsciiPunctuation, normal, normalize } from './normal-form.js';
import * as fact from './piece-facts.js';
import { STOP_WORDS } from './stop-words.js';
import { splitUnicodeWords, UnicodeWordTable } from './unicode-words.js';
import {
  ASCII_LETTER,
  ASCII_PUNCTUATION,
  BRACE,
  C4_MARK,
  END_MARK,
  LONGEST_STOP_WORD,
  MAX_PIECE_CHARACTERS,
  PARENTHESIS,
  PLAIN,
  SHORTEST_KEY,
  SHORTEST_PHRASE,
  SIGN,
  WORD_UNIT,
} from './unit-kinds.js';
import { WordTable } from './word-table.js';
import { splitWords } from './words.js';

const HASH = 0x23;
const FULL_STOP = 0x2e;
const ELLIPSIS = 0x2026;
const LOWER_CASE_WORD = LETTER | LOWER;

const words = new WordTable();
const unicodeWords = new UnicodeWordTable();

/** Kinds by code unit; a pair of surrogates is looked at as a whole. */
export const kinds = new Uint16Array(0x1_0000);
for (let unit = 0; unit < 0x1_0000; unit++) {
  if ((UNIT_CLASSES[unit] & (LETTER | NUMERIC)) !== 0) kinds[unit] |= WORD_UNIT;
  if (unit < 0x80 && isAsciiPunctuation(unit)) kinds[unit] |= ASCII_PUNCTUATION;
}
const mark = (characters: string, kind: number): void => {
  for (const character of characters) kinds[character.charCodeAt(0)] |= kind;
};
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz';
mark('_', WORD_UNIT);
mark(ALPHABET + ALPHABET.toUpperCase(), ASCII_LETTER | PLAIN);
mark('0123456789?!,.', PLAIN);
mark('0123456789@:', SIGN);
mark('{}⟨⟩[]()', PARENTHESIS);
mark('{}', BRACE);
mark('.?!', END_MARK);
mark('{[', C4_MARK);

/** Parts of the phrases that the rules look for. */
export const PHRASE_PARTS = [
  'lorem',
  'javascript',
  'terms',
  'privacy',
  'cookie',
  'items',
  'read',
  'sign-in',
  'http',
  'begin',
] as const;
/** The same by their letters, a bit each: most pieces lack some letter of each. */
const SUSPECTS = PHRASE_PARTS.map((part) => lettersOf(unitsOf(part), 0, part.length));
/** The bit of a piece with a character beyond ASCII, which may have a letter in lower case. */
const WIDE = 1 << 26;

/** Letters a to z in either case among the units, a bit each. */
export function lettersOf(units: Uint16Array, start: number, end: number): number {
  let letters = 0;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    if (unit >= 0x80) letters |= WIDE;
    else if ((UNIT_CLASSES[unit] & LETTER) !== 0) letters |= 1 << ((unit | 0x20) - 0x61);
  }
  return letters;
}

function mayHavePhrase(letters: number): boolean {
  if ((letters & WIDE) !== 0) return true;
  for (const needed of SUSPECTS) if ((letters & needed) === needed) return true;
  return false;
}

const URL = /https?:\/\/[a-zA-Z0-9$-_@.&+!*\\(),]+/g;

/** Gopher's stop words: both halves of the hash, and the letters in one integer. */
export const STOP_WORD_KEYS = STOP_WORDS.map((word) => {
  splitWords(unitsOf(word), 0, word.length, words);
  return { low: words.low[0], high: words.high[0], packed: pack(word) };
});
const stopWordBits = new Map(STOP_WORD_KEYS.map(({ low, high }, index) => [low, { high, bit: 1 << index }]));
const lowerStopWords = new Set(STOP_WORD_KEYS.map(({ packed }) => packed));

function pack(word: string): number {
  let packed = 0;
  for (const letter of word) packed = ((packed << 8) | letter.charCodeAt(0)) >>> 0;
  return packed;
}

function unitsOf(text: string): Uint16Array {
  return Uint16Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
}

/** What was found of the last piece: its counts, its flags, and its words by both definitions. */
export const counts = new Int32Array(fact.COUNTS);
export { normal, unicodeWords, words };

/** Finds the facts of the piece `units[start, end)` of `text`. Returns its flags; the rest is in the tables above. */
export function describePiece(text: string, units: Uint16Array, start: number, end: number): number {
  counts.fill(0);
  splitWords(units, start, end, words);
  splitUnicodeWords(units, start, end, unicodeWords);
  normalize(units, start, end);
  counts[fact.NORMAL_CHARACTERS] = normal.characters;
  let flags = describeWords(units) | describeUnits(units, start, end);
  flags |= describeRare(text, units, start, end);
  if (counts[fact.CHARACTERS] > MAX_PIECE_CHARACTERS) flags |= fact.IS_LONG;
  for (let rare = fact.HASHES; rare < fact.COUNTS; rare++) if (counts[rare] !== 0) flags |= fact.RARE;
  return flags;
}

/** Addresses, counted, phrases, and signs of keys. Returns flags. */
export function describeRare(text: string, units: Uint16Array, start: number, end: number): number {
  counts[fact.URL_UNITS] = 0;
  let flags = 0;
  if (end - start >= SHORTEST_PHRASE && mayHavePhrase(lettersOf(units, start, end))) {
    flags |= describePhrases(text.slice(start, end));
  }
  if (end - start >= SHORTEST_KEY && KEY_PREFIX.test(text.slice(start, end))) flags |= fact.HAS_KEY;
  return flags;
}

/** Counts of the words. Returns flags. */
function describeWords(units: Uint16Array): number {
  let flags = 0;
  let spoken = 0;
  let characters = 0;
  let alphabetic = 0;
  let sentences = 0;
  let ended = false;
  for (let i = 0; i < words.count; i++) {
    if ((words.classes[i] & LETTER) !== 0) alphabetic += 1;
    if (words.isSymbol[i] === 0) {
      spoken += 1;
      characters += words.characters[i];
      if (ended) sentences += 1;
      else if ((flags & fact.C4_EVENT) === 0) flags |= fact.C4_WORD_FIRST;
      ended = false;
      flags |= fact.C4_EVENT;
    } else if (words.characters[i] === 1 && (UNIT_CLASSES[units[words.start[i]]] & SENTENCE_END) !== 0) {
      ended = true;
      flags |= fact.C4_EVENT;
    }
    if (words.characters[i] <= LONGEST_STOP_WORD && words.classes[i] === LOWER_CASE_WORD) {
      const stopWord = stopWordBits.get(words.low[i]);
      if (stopWord?.high === words.high[i]) flags |= stopWord.bit;
    }
  }
  counts[fact.WORDS] = words.count;
  counts[fact.SPOKEN_WORDS] = spoken;
  counts[fact.SPOKEN_CHARACTERS] = characters;
  counts[fact.ALPHABETIC_WORDS] = alphabetic;
  counts[fact.UNICODE_WORDS] = unicodeWords.count;
  counts[fact.C4_SENTENCES] = sentences;
  return ended ? flags | fact.C4_END_LAST : flags;
}

/** What the code units and characters of a piece are. Returns flags. */
function describeUnits(units: Uint16Array, start: number, end: number): number {
  let flags = 0;
  let classes = 0;
  let pairs = 0;
  let bytes = 0;
  let packed = 0;
  let ascii = true;
  let stops = 0;
  /** Whether the unit before belongs to a raw word of letters, 1, or of other characters, 0; and its classes. */
  let run = -1;
  let runClasses = 0;
  let runIsAscii = false;
  let inSentence = false;
  for (let i = start; i < end; i++) {
    const unit = units[i];
    const kind = kinds[unit];
    let bits = UNIT_CLASSES[unit];
    const unitBits = bits;
    const isLow = (unit & 0xfc00) === 0xdc00;
    if (isLow && i > start && (units[i - 1] & 0xfc00) === 0xd800) {
      bits = classOf(0x1_0000 + ((units[i - 1] & 0x3ff) << 10) + (unit & 0x3ff));
      pairs += 1;
      bytes += 1;
    } else bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
    if (unit >= 0x80) ascii = false;
    packed = (packed << 8) | ((bits & UPPER) === 0 ? unit : unit | 0x20);
    classes |= bits;

    if ((bits & (LETTER | NUMERIC)) !== 0) counts[fact.ALPHANUMERICS] += 1;
    if ((bits & (LETTER | MARK)) !== 0) counts[fact.LETTERS_AND_MARKS] += 1;
    if ((bits & UPPER) !== 0) counts[fact.UPPERS] += 1;
    if ((bits & DIGIT) !== 0) counts[fact.DIGITS] += 1;
    if ((unitBits & UPPER) !== 0) counts[fact.UPPER_UNITS] += 1;
    if ((unitBits & DIGIT) !== 0) counts[fact.DIGIT_UNITS] += 1;
    if ((kind & PLAIN) !== 0) counts[fact.PLAIN_CHARACTERS] += 1;
    if ((kind & ASCII_PUNCTUATION) === 0 && !isLow) {
      counts[fact.VISIBLE] += 1;
      if ((unitBits & NUMERIC) !== 0) counts[fact.NUMERICAL] += 1;
    }
    if ((kind & PARENTHESIS) !== 0) counts[fact.PARENTHESES] += 1;
    if ((kind & BRACE) !== 0) counts[fact.BRACES] += 1;
    if (unit === 0x08) counts[fact.BACKSPACES] += 1;
    if ((kind & SIGN) !== 0) flags |= fact.HAS_SIGN;
    if ((kind & C4_MARK) !== 0) flags |= fact.HAS_C4_PHRASE;
    if (
      (flags & (fact.BEGINS_NUMBER | fact.HAS_ALPHANUMERIC)) === 0 &&
      (unitBits & (LETTER | NUMERIC)) !== 0
    ) {
      // HAS_ALPHANUMERIC also says here that the first one was found.
      flags |= (unitBits & DIGIT) !== 0 ? fact.BEGINS_NUMBER | fact.HAS_ALPHANUMERIC : fact.HAS_ALPHANUMERIC;
    }

    stops = unit === FULL_STOP ? stops + 1 : 0;
    if (unit === HASH) counts[fact.HASHES] += 1;
    if (stops === 3 || unit === ELLIPSIS) {
      counts[fact.ELLIPSES] += 1;
      stops = 0;
    }

    const isWord = kind & WORD_UNIT;
    if (isWord !== run) {
      if (run === 1) countRun(runClasses, runIsAscii);
      counts[fact.RAW_WORDS] += 1;
      run = isWord;
      runClasses = 0;
      runIsAscii = false;
    }
    runClasses |= unitBits;
    if ((kind & ASCII_LETTER) !== 0) runIsAscii = true;

    if (isWord === 1) {
      if (!inSentence && (flags & fact.EVENT) === 0) flags |= fact.WORD_FIRST;
      if (!inSentence) counts[fact.SENTENCES] += 1;
      inSentence = true;
      flags |= fact.EVENT;
    } else if ((kind & END_MARK) !== 0) {
      inSentence = false;
      flags |= fact.EVENT;
    }
  }
  if (run === 1) countRun(runClasses, runIsAscii);
  if ((flags & fact.EVENT) !== 0 && !inSentence) flags |= fact.END_LAST;
  counts[fact.CHARACTERS] = end - start - pairs;
  counts[fact.BYTES] = bytes;
  if (ascii && end - start <= LONGEST_STOP_WORD && lowerStopWords.has(packed >>> 0))
    flags |= fact.IS_STOP_WORD;
  if ((classes & LETTER) !== 0) flags |= fact.HAS_LETTER;
  if ((classes & (LETTER | NUMERIC)) !== 0) flags |= fact.HAS_ALPHANUMERIC;
  if ((classAt(units, start, end) & (LETTER | NUMERIC)) !== 0) flags |= fact.BEGINS_WORD;
  if (end - start === 1 && units[start] === FULL_STOP) flags |= fact.IS_FULL_STOP;
  return flags;
}

/** A raw word of letters, numbers and underscores, whose characters have these classes. */
function countRun(classes: number, hasAsciiLetter: boolean): void {
  if (hasAsciiLetter) counts[fact.RAW_ALPHABETIC] += 1;
  if ((classes & (UPPER | LOWER)) === UPPER) counts[fact.CAPITAL_WORDS] += 1;
}

/** Addresses, and signs of phrases that the rules look for in the text. Returns flags. */
function describePhrases(piece: string): number {
  let flags = 0;
  const lower = piece.toLowerCase();
  if (piece.includes('http')) {
    for (const [match] of piece.matchAll(URL)) counts[fact.URL_UNITS] += match.length;
  }
  if (piece.endsWith('-----BEGIN')) flags |= fact.HAS_PEM;
  if (lower.includes('lorem')) flags |= fact.HAS_LOREM | fact.HAS_C4_PHRASE;
  if (lower.includes('javascript')) flags |= fact.HAS_JAVASCRIPT | fact.HAS_C4_PHRASE;
  if (/terms|privacy|cookie/.test(lower)) flags |= fact.HAS_C4_PHRASE;
  if (/items|read$|sign-in/.test(lower)) flags |= fact.HAS_REFINEDWEB_PHRASE;
  return flags;
}

function classAt(units: Uint16Array, i: number, end: number): number {
  const unit = units[i];
  if ((unit & 0xfc00) !== 0xd800 || i + 1 >= end || (units[i + 1] & 0xfc00) !== 0xdc00)
    return UNIT_CLASSES[unit];
  return classOf(0x1_0000 + ((unit & 0x3ff) << 10) + (units[i + 1] & 0x3ff));
}
