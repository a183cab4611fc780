/**
 * Words of a piece of ASCII by both definitions: `scan/words.ts` and `scan/unicode-words.ts`, as far as they are about ASCII.
 * Places are addresses of code units.
 */
import {
  CONNECTOR,
  DIGIT,
  LETTER,
  LOWER,
  NUMBER,
  PUNCTUATION,
  SENTENCE_END,
  UPPER,
  WORD,
} from '../../scan/property-bits';
import * as fact from '../../scan/piece-facts';
import {
  CLASSES_AT,
  DESCRIBED_AT,
  DESCRIBED_UNICODE_WORDS_AT,
  DESCRIBED_WORD_BYTES,
  DESCRIBED_WORDS_AT,
  MIDDLE_AT,
  PLAIN_AT,
  STOP_WORDS,
  STOP_WORDS_AT,
  WORD_KINDS_AT,
} from '../layout';

const DOUBLE_QUOTE: i32 = 0x22;
const HASH: i32 = 0x23;
const APOSTROPHE: i32 = 0x27;
const ASTERISK: i32 = 0x2a;
const PLUS: i32 = 0x2b;
const COMMA: i32 = 0x2c;
const HYPHEN: i32 = 0x2d;
const FULL_STOP: i32 = 0x2e;
const SLASH: i32 = 0x2f;
const COLON: i32 = 0x3a;
const LESS: i32 = 0x3c;
const EQUALS: i32 = 0x3d;
const GREATER: i32 = 0x3e;
const CARET: i32 = 0x5e;
const LONGEST_STOP_WORD: i32 = 4;

// @ts-ignore: decorator
@inline
function unitAt(at: i32): i32 {
  return <i32>load<u16>(at);
}

// @ts-ignore: decorator
@inline
function classAt(at: i32): i32 {
  return <i32>load<u16>(CLASSES_AT + (unitAt(at) << 1));
}

// @ts-ignore: decorator
@inline
function count(what: i32, value: i32): void {
  store<i32>(DESCRIBED_AT + (what << 2), value);
}

/** Finds the words of `[start, end)` and counts them. Returns flags. */
export function describeWords(start: i32, end: i32): i32 {
  let flags: i32 = 0;
  let words: i32 = 0;
  let spoken: i32 = 0;
  let characters: i32 = 0;
  let alphabetic: i32 = 0;
  let sentences: i32 = 0;
  let ended = false;
  let out = DESCRIBED_WORDS_AT;
  let i = start;
  while (i < end) {
    const behind = (classAt(i) & WORD) !== 0 ? wordEnd(i, end) : symbolEnd(i, start, end);
    let low: i32 = 0x811c9dc5;
    let high: i32 = 0x9747b28c;
    let classes: i32 = 0;
    let common: i32 = PUNCTUATION;
    for (let k = i; k < behind; k += 2) {
      const unit = unitAt(k);
      const bits = <i32>load<u16>(CLASSES_AT + (unit << 1));
      low = (low ^ unit) * 0x01000193;
      high = (high ^ unit) * 0x5bd1e995;
      classes |= bits;
      common &= bits;
    }
    const length = (behind - i) >> 1;
    words += 1;
    store<i32>(out, low);
    store<i32>(out, high, 4);
    store<i32>(out, length, 8);
    out += DESCRIBED_WORD_BYTES;
    if ((classes & LETTER) !== 0) alphabetic += 1;
    if (common === 0) {
      spoken += 1;
      characters += length;
      if (ended) sentences += 1;
      else if ((flags & fact.C4_EVENT) === 0) flags |= fact.C4_WORD_FIRST;
      ended = false;
      flags |= fact.C4_EVENT;
    } else if (length === 1 && (classes & SENTENCE_END) !== 0) {
      ended = true;
      flags |= fact.C4_EVENT;
    }
    if (length <= LONGEST_STOP_WORD && classes === (LETTER | LOWER)) flags |= stopWordBit(low, high);
    i = behind;
  }
  count(fact.WORDS, words);
  count(fact.SPOKEN_WORDS, spoken);
  count(fact.SPOKEN_CHARACTERS, characters);
  count(fact.ALPHABETIC_WORDS, alphabetic);
  count(fact.C4_SENTENCES, sentences);
  return ended ? flags | fact.C4_END_LAST : flags;
}

function stopWordBit(low: i32, high: i32): i32 {
  for (let word: i32 = 0; word < STOP_WORDS; word++) {
    const at = STOP_WORDS_AT + word * 12;
    if (load<i32>(at) === low && load<i32>(at, 4) === high) return 1 << word;
  }
  return 0;
}

function wordEnd(start: i32, end: i32): i32 {
  let i = start;
  let previous: i32 = 0;
  while (i < end) {
    while (i < end) {
      const bits = classAt(i);
      if ((bits & WORD) === 0) break;
      previous = bits;
      i += 2;
    }
    if (i >= end) return i;
    const unit = unitAt(i);
    const hasNext = i + 2 < end;
    if (unit === COLON && i + 4 < end && unitAt(i + 2) === SLASH && unitAt(i + 4) === SLASH) {
      return addressEnd(i, end);
    }
    const next = hasNext ? classAt(i + 2) : 0;
    if ((next & WORD) === 0) {
      return hasNext && unitAt(i + 2) === unit ? i : i + tailBytes(start, i);
    }
    if (unit === APOSTROPHE) {
      const letters = contraction(i, end);
      if (letters === CONTRACTED_T) {
        // `n't` is a word that starts with its n; a `t` behind any other letter is no contraction.
        if ((unitAt(i - 2) | 0x20) === 0x6e && i - 2 > start) return i - 2;
      } else if (letters !== 0) return i;
    } else if (!joins(unit, previous, next)) return i;
    i += 2;
  }
  return i;
}

/** Bytes of the unit behind a word if it belongs to it: a hyphen, a slash, or the full stop of an abbreviation. */
function tailBytes(start: i32, end: i32): i32 {
  const unit = unitAt(end);
  if (unit === HYPHEN || unit === SLASH) return 2;
  const isSingleLetter =
    unit === FULL_STOP &&
    (classAt(end - 2) & LETTER) !== 0 &&
    (end - 2 === start || unitAt(end - 4) === FULL_STOP);
  return isSingleLetter ? 2 : 0;
}

function joins(unit: i32, previous: i32, next: i32): bool {
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
    case DOUBLE_QUOTE:
    case HASH:
    case 0x28:
    case 0x29:
    case 0x5b:
    case 0x5d:
    case 0x7b:
    case 0x7d:
      return false;
    default:
      return true;
  }
}

const CONTRACTED_T: i32 = -1;

/** Letters behind an apostrophe that are an English contraction: how many, or CONTRACTED_T; 0 where they are none. */
function contraction(apostrophe: i32, end: i32): i32 {
  let behind = apostrophe + 2;
  while (behind < end && behind < apostrophe + 8 && (classAt(behind) & WORD) !== 0) behind += 2;
  const size = (behind - apostrophe - 2) >> 1;
  const first = unitAt(apostrophe + 2) | 0x20;
  if (size === 1) {
    if (first === 0x74) return CONTRACTED_T;
    return first === 0x73 || first === 0x6d || first === 0x64 ? 1 : 0;
  }
  if (size !== 2) return 0;
  const second = unitAt(apostrophe + 4) | 0x20;
  if (first === 0x6c) return second === 0x6c ? 2 : 0;
  return (first === 0x72 || first === 0x76) && second === 0x65 ? 2 : 0;
}

/** End of an address whose scheme ends at `colon`. */
function addressEnd(colon: i32, end: i32): i32 {
  let behind = end;
  while (behind > colon + 6 && unitAt(behind - 2) !== SLASH && (classAt(behind - 2) & PUNCTUATION) !== 0) {
    behind -= 2;
  }
  return behind;
}

function symbolEnd(start: i32, piece: i32, length: i32): i32 {
  const unit = unitAt(start);
  const followsWord = start > piece && (classAt(start - 2) & WORD) !== 0;
  let end = start + 2;
  if (unit === FULL_STOP || unit === HYPHEN || unit === SLASH) {
    while (end < length && unitAt(end) === unit) end += 2;
  }
  if (unit === HYPHEN || unit === SLASH || unit === PLUS) {
    const next = end < length ? classAt(end) : 0;
    if (!followsWord && (next & WORD) !== 0 && (unit !== PLUS || (next & DIGIT) !== 0)) {
      return wordEnd(end, length);
    }
  }
  if (followsWord && unit === APOSTROPHE) {
    const letters = contraction(start, length);
    if (letters > 0) return start + 2 + (letters << 1);
  }
  return end;
}

const ALPHABETIC: i32 = 1;
const NUMERIC: i32 = 2;

/** Finds the words by Unicode's boundaries. */
export function describeUnicodeWords(start: i32, length: i32): void {
  let out = DESCRIBED_UNICODE_WORDS_AT;
  let words: i32 = 0;
  let i = start;
  while (i < length) {
    if (load<u8>(PLAIN_AT + unitAt(i)) === 2) {
      i += 2;
      continue;
    }
    const bits = classAt(i);
    const isWord = (bits & (LETTER | DIGIT | NUMBER)) !== 0;
    if (!isWord && (bits & CONNECTOR) === 0) {
      i += 2;
      continue;
    }
    const end = unicodeWordEnd(i, length);
    if (isWord) {
      let low: i32 = 0x811c9dc5;
      let high: i32 = 0x9747b28c;
      for (let k = i; k < end; k += 2) {
        const unit = unitAt(k);
        low = (low ^ unit) * 0x01000193;
        high = (high ^ unit) * 0x5bd1e995;
      }
      store<i32>(out, low);
      store<i32>(out, high, 4);
      store<i32>(out, (end - i) >> 1, 8);
      out += DESCRIBED_WORD_BYTES;
      words += 1;
    }
    i = end;
  }
  count(fact.UNICODE_WORDS, words);
}

// @ts-ignore: decorator
@inline
function wordKindAt(at: i32): i32 {
  return <i32>load<u8>(WORD_KINDS_AT + unitAt(at));
}

function unicodeWordEnd(start: i32, length: i32): i32 {
  let kind = wordKindAt(start);
  let i = start + 2;
  while (i < length) {
    const next = wordKindAt(i);
    if (next !== 0) {
      kind = next;
      i += 2;
      continue;
    }
    const needed: i32 = kind === ALPHABETIC ? 1 : kind === NUMERIC ? 2 : 0;
    if ((<i32>load<u8>(MIDDLE_AT + unitAt(i)) & needed) === 0) return i;
    const behind = i + 2;
    if (behind >= length || wordKindAt(behind) !== kind) return i;
    i = behind;
  }
  return length;
}
