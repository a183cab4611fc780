/**
 * Scanner of the pattern of o200k_base. With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], L = [\p{Ll}\p{Lm}\p{Lo}\p{M}] and
 * C = (?i:'s|'t|'re|'ve|'m|'ll|'d)? it is
 *
 *   [^\r\n\p{L}\p{N}]?U*L+C|[^\r\n\p{L}\p{N}]?U+L*C|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
 */
import { lowerLettersEnd } from './ascii-runs.js';
import {
  characterAt,
  classOf,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  OTHER,
  SPACE,
  UNCASED,
  UPPER,
} from './classes.js';
import { anyContraction } from './contraction.js';
import { LOOKAHEAD, type Scanner } from './scanner.js';
import { whiteSpaceEnd } from './white-space.js';

/** Sets of classes as bits. */
const UPPERS = (1 << UPPER) | (1 << UNCASED) | (1 << MARK);
const LOWERS = (1 << LOWER) | (1 << UNCASED) | (1 << MARK);
const WORD = UPPERS | LOWERS;
const SYMBOLS = (1 << OTHER) | (1 << MARK);
const PREFIX = SYMBOLS | (1 << SPACE);

/** Class of each ASCII byte as a bit, 0 for the others. */
const BIT_OF_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x80 ? 1 << classOf(byte) : 0));
const UPPER_BIT = 1 << UPPER;
const OTHER_BIT = 1 << OTHER;
const NUMBER_BIT = 1 << NUMBER;
const BLANK_BITS = (1 << SPACE) | (1 << NEWLINE);
const NEWLINE_BIT = 1 << NEWLINE;

const SPACE_BYTE = 0x20;
const APOSTROPHE = 0x27;
const SLASH = 0x2f;
const MAX_DIGITS = 3;

/** Of ASCII: 1 lower case, 2 upper case, 3 what may precede a word, 0 the rest. */
const FIRST_KIND = Uint8Array.from(BIT_OF_BYTE, (bit) =>
  (bit & (1 << LOWER)) !== 0 ? 1 : (bit & UPPER_BIT) !== 0 ? 2 : (bit & PREFIX) !== 0 ? 3 : 0,
);
/**
 * By the kinds of the first two bytes, `first << 2 | second`: how many bytes stand before the lower case of a word as it
 * mostly is, `[prefix][A-Z]?[a-z]+`; 0 where it is none. After lower case nothing else need follow.
 */
const WORD_SKIP = Uint8Array.of(0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 2, 0);

/** Position behind the run of characters at `at` whose class is in `set`. */
function runEnd(bytes: Uint8Array, at: number, end: number, set: number): number {
  for (;;) {
    while ((BIT_OF_BYTE[bytes[at]] & set) !== 0) at += 1;
    if (bytes[at] < 0x80) return at;
    const character = characterAt(bytes, at, end);
    if (((set >> (character & 15)) & 1) === 0) return at;
    at += character >> 4;
  }
}

/**
 * End of `U*L+` at `at`, -1 where it does not match. Where nothing lower follows the run of U, the expression gives back
 * characters until one of them, uncased or a mark, can be the L.
 */
function lowerWordEnd(bytes: Uint8Array, at: number, end: number): number {
  let behindBoth = -1;
  for (;;) {
    while (BIT_OF_BYTE[bytes[at]] === UPPER_BIT) at += 1;
    if (bytes[at] < 0x80) break;
    const character = characterAt(bytes, at, end);
    const kind = character & 15;
    if (((UPPERS >> kind) & 1) === 0) break;
    at += character >> 4;
    if (kind !== UPPER) behindBoth = at;
  }
  const behind = runEnd(bytes, at, end, LOWERS);
  return behind > at ? behind : behindBoth;
}

/** End of `U+L*` at `at`, -1 where it does not match. */
function upperWordEnd(bytes: Uint8Array, at: number, end: number): number {
  const behind = runEnd(bytes, at, end, UPPERS);
  return behind > at ? runEnd(bytes, behind, end, LOWERS) : -1;
}

/** End of `[^\s\p{L}\p{N}]*[\r\n/]*` at `at`. */
function symbolsEnd(bytes: Uint8Array, at: number, end: number): number {
  let behind = runEnd(bytes, at, end, SYMBOLS);
  while (BIT_OF_BYTE[bytes[behind]] === NEWLINE_BIT || bytes[behind] === SLASH) behind += 1;
  return behind;
}

/** End of `\p{N}{0,3}` at `position`. */
function digitsEnd(bytes: Uint8Array, position: number, end: number): number {
  let at = position;
  for (let digits = 0; digits < MAX_DIGITS; digits++) {
    const character = characterAt(bytes, at, end);
    if ((character & 15) !== NUMBER) break;
    at += character >> 4;
  }
  return at;
}

/** End of the pre-token at `position`; -1 where more text may change it, though it is not beyond `limit`. */
function generalEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
  const character = characterAt(bytes, position, end);
  const kind = character & 15;
  const at = position + (character >> 4);
  const next = characterAt(bytes, at, end) & 15;
  const prefixed = ((PREFIX >> kind) & 1) !== 0 && ((WORD >> next) & 1) !== 0;
  const own = ((WORD >> kind) & 1) !== 0;
  if (prefixed || own) {
    // The four ways of the first two alternatives in their order; without a prefix only what starts with a word matches.
    let word = prefixed ? lowerWordEnd(bytes, at, end) : -1;
    if (word < 0 && own) word = lowerWordEnd(bytes, position, end);
    if (word < 0 && prefixed) word = upperWordEnd(bytes, at, end);
    if (word < 0) word = upperWordEnd(bytes, position, end);
    // The run of upper case was read to its end, also where less of it is taken.
    if (limit < end && runEnd(bytes, word, end, UPPERS) > limit) return -1;
    return word + anyContraction(bytes, word);
  }
  if (kind === NUMBER) return digitsEnd(bytes, position, end);
  if (kind === OTHER || (bytes[position] === SPACE_BYTE && ((SYMBOLS >> next) & 1) !== 0)) {
    return symbolsEnd(bytes, at, end);
  }
  return whiteSpaceEnd(bytes, position, end, limit);
}

/** The same where a character and the next are ASCII, neither a word of the usual form nor the beginning of another. */
function asciiEnd(bytes: Uint8Array, position: number, end: number, limit: number): number {
  const first = bytes[position];
  const bit = BIT_OF_BYTE[first];
  const next = BIT_OF_BYTE[bytes[position + 1]];
  if (bit === 0 || next === 0 || ((bit | next) & WORD) !== 0) return generalEnd(bytes, position, end, limit);
  if (bit === OTHER_BIT || (next === OTHER_BIT && first === SPACE_BYTE))
    return symbolsEnd(bytes, position + 1, end);
  if (bit === NUMBER_BIT) return digitsEnd(bytes, position, end);
  return (next & BLANK_BITS) === 0 ? position + 1 : whiteSpaceEnd(bytes, position, end, limit);
}

export const scanO200k: Scanner = ({ bytes, view }, end, final, ends) => {
  const limit = final ? end : end - LOOKAHEAD;
  let count = 0;
  let position = 0;
  while (position < limit) {
    let at = -1;
    const skip = WORD_SKIP[(FIRST_KIND[bytes[position]] << 2) | FIRST_KIND[bytes[position + 1]]];
    if (skip > 0) {
      const begin = position + skip;
      const behind = lowerLettersEnd(view, begin);
      const next = bytes[behind];
      // What has no lower case behind its capital, or goes on beyond ASCII, is left to the general way.
      if (next < 0x80 && (skip === 1 || behind > begin)) {
        at = next === APOSTROPHE ? behind + anyContraction(bytes, behind) : behind;
      }
    }
    if (at < 0) {
      at = asciiEnd(bytes, position, end, limit);
      if (at < 0) break;
    }
    if (at > limit) break;
    ends[count++] = at;
    position = at;
  }
  return count;
};
