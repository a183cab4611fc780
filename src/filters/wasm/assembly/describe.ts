/**
 * The facts of a piece of ASCII, as `scan/describe-piece.ts` finds them. Places are addresses of code units. What few pieces
 * have, and pieces with other characters, are for TypeScript.
 */
import * as fact from '../../scan/piece-facts';
import { DIGIT, LETTER, LOWER, MARK, NUMERIC, UPPER } from '../../scan/property-bits';
import {
  CLASSES_AT,
  DESCRIBED_AT,
  DESCRIBED_FLAGS,
  DESCRIBED_NORMAL_HIGH,
  DESCRIBED_NORMAL_LOW,
  KINDS_AT,
  PHRASE_BYTES,
  PHRASES_AT,
  STOP_WORDS,
  STOP_WORDS_AT,
  UNITS_AT,
} from '../layout';
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
} from '../../scan/unit-kinds';
import { describeUnicodeWords, describeWords } from './words';

/** Describes the piece of the text from one code unit to another in TypeScript, all of it. */
// @ts-ignore: decorator
@external('env', 'describeWide')
declare function describeWide(start: i32, end: i32): void;

/** Finds addresses, phrases and signs of keys in such a piece; returns flags. */
// @ts-ignore: decorator
@external('env', 'describeRare')
declare function describeRare(start: i32, end: i32): i32;

const HASH: i32 = 0x23;
const FULL_STOP: i32 = 0x2e;
const BACKSPACE: i32 = 0x08;

let capitals: i32 = 0;
let alphabetic: i32 = 0;

// @ts-ignore: decorator
@inline
function put(what: i32, value: i32): void {
  store<i32>(DESCRIBED_AT + (what << 2), value);
}

/** Puts the facts of the piece `[start, end)` where the layout has them; `isAscii` where it is of ASCII alone. */
export function describePiece(start: i32, end: i32, isAscii: bool): void {
  if (!isAscii) {
    describeWide((start - UNITS_AT) >> 1, (end - UNITS_AT) >> 1);
    return;
  }
  let flags = describeWords(start, end);
  describeUnicodeWords(start, end);
  flags |= describeUnits(start, end);
  put(DESCRIBED_FLAGS, flags);
}

function describeUnits(start: i32, end: i32): i32 {
  let flags: i32 = 0;
  let classes: i32 = 0;
  let letters: i32 = 0;
  let packed: i32 = 0;
  let stops: i32 = 0;
  let run: i32 = -1;
  let runClasses: i32 = 0;
  let runKinds: i32 = 0;
  let inSentence = false;
  let alphanumerics: i32 = 0;
  let allLetters: i32 = 0;
  let uppers: i32 = 0;
  let digits: i32 = 0;
  let plain: i32 = 0;
  let visible: i32 = 0;
  let numerical: i32 = 0;
  let rawWords: i32 = 0;
  let sentences: i32 = 0;
  let hashes: i32 = 0;
  let ellipses: i32 = 0;
  let parentheses: i32 = 0;
  let braces: i32 = 0;
  let backspaces: i32 = 0;
  let normalLow: i32 = 0x811c9dc5;
  let normalHigh: i32 = 0x9747b28c;
  let normal: i32 = 0;
  let hasFirst = false;
  capitals = 0;
  alphabetic = 0;
  for (let at = start; at < end; at += 2) {
    const unit = <i32>load<u16>(at);
    const bits = <i32>load<u16>(CLASSES_AT + (unit << 1));
    const kind = <i32>load<u16>(KINDS_AT + (unit << 1));
    const lower = (bits & UPPER) === 0 ? unit : unit | 0x20;
    packed = (packed << 8) | lower;
    classes |= bits;
    flags |= (kind & SIGN) !== 0 ? fact.HAS_SIGN : 0;
    flags |= (kind & C4_MARK) !== 0 ? fact.HAS_C4_PHRASE : 0;
    alphanumerics += i32((bits & (LETTER | NUMERIC)) !== 0);
    allLetters += i32((bits & (LETTER | MARK)) !== 0);
    uppers += i32((bits & UPPER) !== 0);
    digits += i32((bits & DIGIT) !== 0);
    plain += i32((kind & PLAIN) !== 0);
    parentheses += i32((kind & PARENTHESIS) !== 0);
    braces += i32((kind & BRACE) !== 0);
    backspaces += i32(unit === BACKSPACE);
    hashes += i32(unit === HASH);
    if ((kind & ASCII_PUNCTUATION) === 0) {
      visible += 1;
      numerical += i32((bits & NUMERIC) !== 0);
      normalLow = (normalLow ^ lower) * 0x01000193;
      normalHigh = (normalHigh ^ lower) * 0x5bd1e995;
      normal += 1;
    }
    if ((bits & LETTER) !== 0) letters |= 1 << (lower - 0x61);
    if (!hasFirst && (bits & (LETTER | NUMERIC)) !== 0) {
      hasFirst = true;
      if ((bits & DIGIT) !== 0) flags |= fact.BEGINS_NUMBER;
    }
    stops = unit === FULL_STOP ? stops + 1 : 0;
    if (stops === 3) {
      ellipses += 1;
      stops = 0;
    }
    const isWord = kind & WORD_UNIT;
    if (isWord !== run) {
      if (run === 1) countRun(runClasses, runKinds);
      rawWords += 1;
      run = isWord;
      runClasses = 0;
      runKinds = 0;
    }
    runClasses |= bits;
    runKinds |= kind;
    if (isWord === 1) {
      if (!inSentence) {
        if ((flags & fact.EVENT) === 0) flags |= fact.WORD_FIRST;
        sentences += 1;
      }
      inSentence = true;
      flags |= fact.EVENT;
    } else if ((kind & END_MARK) !== 0) {
      inSentence = false;
      flags |= fact.EVENT;
    }
  }
  if (run === 1) countRun(runClasses, runKinds);
  if ((flags & fact.EVENT) !== 0 && !inSentence) flags |= fact.END_LAST;
  const length = (end - start) >> 1;
  put(fact.CHARACTERS, length);
  put(fact.BYTES, length);
  put(fact.NORMAL_CHARACTERS, normal);
  put(DESCRIBED_NORMAL_LOW, normalLow);
  put(DESCRIBED_NORMAL_HIGH, normalHigh);
  put(fact.RAW_WORDS, rawWords);
  put(fact.RAW_ALPHABETIC, alphabetic);
  put(fact.ALPHANUMERICS, alphanumerics);
  put(fact.LETTERS_AND_MARKS, allLetters);
  put(fact.UPPERS, uppers);
  put(fact.DIGITS, digits);
  put(fact.PLAIN_CHARACTERS, plain);
  put(fact.UPPER_UNITS, uppers);
  put(fact.DIGIT_UNITS, digits);
  put(fact.VISIBLE, visible);
  put(fact.NUMERICAL, numerical);
  put(fact.SENTENCES, sentences);
  put(fact.HASHES, hashes);
  put(fact.ELLIPSES, ellipses);
  put(fact.PARENTHESES, parentheses);
  put(fact.BRACES, braces);
  put(fact.BACKSPACES, backspaces);
  put(fact.URL_UNITS, 0);
  put(fact.CAPITAL_WORDS, capitals);
  if (length <= LONGEST_STOP_WORD && isStopWord(packed)) flags |= fact.IS_STOP_WORD;
  if ((classes & LETTER) !== 0) flags |= fact.HAS_LETTER;
  if ((classes & (LETTER | NUMERIC)) !== 0) flags |= fact.HAS_ALPHANUMERIC;
  const first = <i32>load<u16>(start);
  if ((load<u16>(CLASSES_AT + (first << 1)) & (LETTER | NUMERIC)) !== 0) flags |= fact.BEGINS_WORD;
  if (length === 1 && first === FULL_STOP) flags |= fact.IS_FULL_STOP;
  if (length >= SHORTEST_KEY || (length >= SHORTEST_PHRASE && hasPhrase(start, end, letters))) {
    flags |= describeRare((start - UNITS_AT) >> 1, (end - UNITS_AT) >> 1);
  }
  if (length > MAX_PIECE_CHARACTERS) flags |= fact.IS_LONG;
  const urlUnits = load<i32>(DESCRIBED_AT + (fact.URL_UNITS << 2));
  if ((hashes | ellipses | parentheses | braces | backspaces | urlUnits | capitals) !== 0) flags |= fact.RARE;
  return flags;
}

/** A raw word of letters, numbers and underscores, whose characters have these classes and kinds. */
function countRun(classes: i32, kinds: i32): void {
  if ((kinds & ASCII_LETTER) !== 0) alphabetic += 1;
  if ((classes & (UPPER | LOWER)) === UPPER) capitals += 1;
}

function isStopWord(packed: i32): bool {
  for (let word: i32 = 0; word < STOP_WORDS; word++) {
    if (load<i32>(STOP_WORDS_AT + word * 12, 8) === packed) return true;
  }
  return false;
}

/** Whether a piece with these letters, a bit each, has a part of a phrase in it, in any case. */
function hasPhrase(start: i32, end: i32, letters: i32): bool {
  const phrases = load<i32>(PHRASES_AT);
  for (let phrase: i32 = 0; phrase < phrases; phrase++) {
    const at = PHRASES_AT + 4 + phrase * PHRASE_BYTES;
    const needed = load<i32>(at);
    if ((letters & needed) === needed && contains(start, end, at + 8, load<i32>(at, 4))) return true;
  }
  return false;
}

function contains(start: i32, end: i32, phrase: i32, length: i32): bool {
  const last = end - (length << 1);
  for (let at = start; at <= last; at += 2) {
    let k: i32 = 0;
    while (k < length && lowerAt(at + (k << 1)) === <i32>load<u8>(phrase + k)) k += 1;
    if (k === length) return true;
  }
  return false;
}

// @ts-ignore: decorator
@inline
function lowerAt(at: i32): i32 {
  const unit = <i32>load<u16>(at);
  return (load<u16>(CLASSES_AT + (unit << 1)) & UPPER) === 0 ? unit : unit | 0x20;
}
