/**
 * Cuts the text into pre-tokens and writes the address of the end of each: blocks of ASCII as far as they go, else one
 * pre-token by its characters. The same results as `scan/*.ts`, where the patterns are written down.
 */
import { startsCl100k, startsGpt2, startsO200k } from './blocks';
import {
  BLANKS,
  characterAt,
  contraction,
  isIn,
  LETTERS,
  LOWER,
  MARK,
  NEWLINE,
  NUMBERS,
  runEnd,
  runEndOf,
  SPACE,
  SYMBOLS,
  UNCASED,
  UPPER,
  whiteSpaceEnd,
} from './classes';
import { ENDS_AT, SCAN_CL100K, SCAN_GPT2, SCAN_O200K, TEXT_AT } from '../layout';

/** Farthest that a scanner looks beyond the text that decides a pre-token: a contraction and a character. */
const LOOKAHEAD = 8;

/** Bytes of which none is beyond ASCII are worth a block. */
const HIGH_BITS = 0x80808080;

// In all of these 0 says that more text may change the end of the pre-token.

function gpt2End(at: i32, end: i32, limit: i32): i32 {
  const short = contraction(at, false);
  if (short > 0) return at + short;
  const begin = load<u8>(at) === 0x20 ? at + 1 : at;
  const character = characterAt(begin, end);
  const behind = begin + (character >> 4);
  if (isIn(LETTERS, character)) return runEnd(behind, end, LETTERS);
  if (isIn(NUMBERS, character)) return runEnd(behind, end, NUMBERS);
  if (isIn(SYMBOLS, character)) return runEnd(behind, end, SYMBOLS);
  return whiteSpaceEnd(at, end, limit, false);
}

/** End of `[^\s\p{L}\p{N}]*[\r\n]*`, and of `[^\s\p{L}\p{N}]*[\r\n/]*`. */
function symbolsEnd(at: i32, end: i32, withSlash: bool): i32 {
  let behind = runEnd(at, end, SYMBOLS);
  while (true) {
    const byte = load<u8>(behind);
    if (byte !== 0x0a && byte !== 0x0d && !(withSlash && byte === 0x2f)) return behind;
    behind += 1;
  }
}

function cl100kEnd(at: i32, end: i32, limit: i32, maxDigits: i32): i32 {
  const character = characterAt(at, end);
  if (isIn(LETTERS, character)) return runEnd(at + (character >> 4), end, LETTERS);
  if (isIn(NUMBERS, character)) return runEndOf(at, end, NUMBERS, maxDigits);
  if ((character & 15) !== NEWLINE) {
    const short = contraction(at, true);
    if (short > 0) return at + short;
    const begin = at + (character >> 4);
    const next = characterAt(begin, end);
    if (isIn(LETTERS, next)) return runEnd(begin, end, LETTERS);
    if (isIn(SYMBOLS, character) || (isIn(SYMBOLS, next) && load<u8>(at) === 0x20)) {
      return symbolsEnd(begin, end, false);
    }
  }
  return whiteSpaceEnd(at, end, limit, true);
}

const UPPERS: u32 = (1 << UPPER) | (1 << UNCASED) | (1 << MARK);
const LOWERS: u32 = (1 << LOWER) | (1 << UNCASED) | (1 << MARK);
const WORD: u32 = UPPERS | LOWERS;
const PREFIX: u32 = SYMBOLS | (1 << SPACE);

/** End of `U*L+`, 0 where it does not match: see `scan/o200k.ts`. */
function lowerWordEnd(at: i32, end: i32): i32 {
  let behindBoth: i32 = 0;
  while (true) {
    const character = characterAt(at, end);
    if (!isIn(UPPERS, character)) break;
    at += character >> 4;
    if ((character & 15) !== UPPER) behindBoth = at;
  }
  const behind = runEnd(at, end, LOWERS);
  return behind > at ? behind : behindBoth;
}

/** End of `U+L*`, 0 where it does not match. */
function upperWordEnd(at: i32, end: i32): i32 {
  const behind = runEnd(at, end, UPPERS);
  return behind > at ? runEnd(behind, end, LOWERS) : 0;
}

function o200kEnd(at: i32, end: i32, limit: i32): i32 {
  const character = characterAt(at, end);
  const begin = at + (character >> 4);
  const next = characterAt(begin, end);
  const prefixed = isIn(PREFIX, character) && isIn(WORD, next);
  const own = isIn(WORD, character);
  if (prefixed || own) {
    let word: i32 = prefixed ? lowerWordEnd(begin, end) : 0;
    if (word === 0 && own) word = lowerWordEnd(at, end);
    if (word === 0 && prefixed) word = upperWordEnd(begin, end);
    if (word === 0) word = upperWordEnd(at, end);
    // The run of upper case was read to its end, also where less of it is taken.
    if (limit < end && runEnd(word, end, UPPERS) > limit) return 0;
    return word + contraction(word, true);
  }
  if (isIn(NUMBERS, character)) return runEndOf(at, end, NUMBERS, 3);
  if (isIn(SYMBOLS, character) || (isIn(SYMBOLS, next) && load<u8>(at) === 0x20)) {
    return symbolsEnd(begin, end, true);
  }
  return whiteSpaceEnd(at, end, limit, true);
}

// @ts-ignore: decorator
@inline
function scanWith(pattern: i32, maxDigits: i32, length: i32, final: bool): i32 {
  const end: i32 = TEXT_AT + length;
  const limit = final ? end : end - LOOKAHEAD;
  let at: i32 = TEXT_AT;
  let out: i32 = ENDS_AT;
  while (at < limit) {
    if ((load<u32>(at) & HIGH_BITS) === 0) {
      let starts =
        pattern === SCAN_GPT2
          ? startsGpt2(at)
          : pattern === SCAN_O200K
            ? startsO200k(at)
            : startsCl100k(at, maxDigits);
      if (starts !== 0) {
        const behind = out + (<i32>popcnt(starts) << 2);
        const last = at + <i32>(63 - clz(starts));
        // Four at a time, whether there are as many or not: a branch for each would be mispredicted.
        do {
          store<i32>(out, at + <i32>ctz(starts));
          starts &= starts - 1;
          store<i32>(out, at + <i32>ctz(starts), 4);
          starts &= starts - 1;
          store<i32>(out, at + <i32>ctz(starts), 8);
          starts &= starts - 1;
          store<i32>(out, at + <i32>ctz(starts), 12);
          starts &= starts - 1;
          out += 16;
        } while (starts !== 0);
        out = behind;
        at = last;
        continue;
      }
    }
    const behind =
      pattern === SCAN_GPT2
        ? gpt2End(at, end, limit)
        : pattern === SCAN_O200K
          ? o200kEnd(at, end, limit)
          : cl100kEnd(at, end, limit, maxDigits);
    if (behind === 0 || behind > limit) break;
    store<i32>(out, behind);
    out += 4;
    at = behind;
  }
  return out;
}

/** Writes the ends of the pre-tokens of the text; returns the address behind the last of them. */
export function scan(pattern: i32, length: i32, final: bool): i32 {
  if (pattern === SCAN_GPT2) return scanWith(SCAN_GPT2, 0, length, final);
  if (pattern === SCAN_O200K) return scanWith(SCAN_O200K, 3, length, final);
  if (pattern === SCAN_CL100K) return scanWith(SCAN_CL100K, 3, length, final);
  return scanWith(SCAN_CL100K, 1, length, final);
}
