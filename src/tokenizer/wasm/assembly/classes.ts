/**
 * Class and length of the character at an address, from the tables of `scan/classes.ts`. What is no UTF-8 counts byte by
 * byte as OTHER. All that is read beyond the text is END_BYTE, so that no test of its end is needed but at its first byte.
 */
import { BLOCKS_AT, BLOCK_OF_AT } from '../layout';

export const OTHER = 0;
export const UPPER = 1;
export const LOWER = 2;
export const UNCASED = 3;
export const MARK = 4;
export const NUMBER = 5;
export const SPACE = 6;
export const NEWLINE = 7;
export const END = 8;

/** Sets of classes, as bits. */
export const LETTERS: u32 = (1 << UPPER) | (1 << LOWER) | (1 << UNCASED);
export const SYMBOLS: u32 = (1 << OTHER) | (1 << MARK);
export const NUMBERS: u32 = 1 << NUMBER;
export const BLANKS: u32 = (1 << SPACE) | (1 << NEWLINE);

// @ts-ignore: decorator
@inline
function classOf(codePoint: u32): u32 {
  const block = <u32>load<u8>(BLOCK_OF_AT + (codePoint >> 7));
  return load<u8>(BLOCKS_AT + ((block << 7) | (codePoint & 127)));
}

/** `class | length << 4`; END, with length 0, at the end. */
export function characterAt(at: i32, end: i32): u32 {
  const first = <u32>load<u8>(at);
  if (first < 0x80) return <u32>load<u8>(BLOCKS_AT + first) | 0x10;
  if (at >= end) return END;
  const second = <u32>load<u8>(at, 1) ^ 0x80;
  if (first < 0xe0) {
    if (first >= 0xc2 && second < 0x40) return classOf(((first & 0x1f) << 6) | second) | 0x20;
    return 0x10;
  }
  const third = <u32>load<u8>(at, 2) ^ 0x80;
  if (first < 0xf0) {
    const codePoint = ((first & 0x0f) << 12) | (second << 6) | third;
    if ((second | third) < 0x40 && codePoint >= 0x800 && (codePoint & 0xf800) !== 0xd800) {
      return classOf(codePoint) | 0x30;
    }
    return 0x10;
  }
  const fourth = <u32>load<u8>(at, 3) ^ 0x80;
  const codePoint = ((first & 0x07) << 18) | (second << 12) | (third << 6) | fourth;
  if (first < 0xf5 && (second | third | fourth) < 0x40 && codePoint >= 0x10000 && codePoint < 0x110000) {
    return classOf(codePoint) | 0x40;
  }
  return 0x10;
}

// @ts-ignore: decorator
@inline
export function isIn(set: u32, character: u32): bool {
  return ((set >> (character & 15)) & 1) !== 0;
}

/** Address behind the characters from `at` on whose class is in `set`. */
export function runEnd(at: i32, end: i32, set: u32): i32 {
  while (true) {
    const character = characterAt(at, end);
    if (!isIn(set, character)) return at;
    at += character >> 4;
  }
}

/** The same for at most `most` characters. */
export function runEndOf(at: i32, end: i32, set: u32, most: i32): i32 {
  for (; most > 0; most--) {
    const character = characterAt(at, end);
    if (!isIn(set, character)) break;
    at += character >> 4;
  }
  return at;
}

/**
 * End of `\s*[\r\n]+|\s+(?!\S)|\s+`, or without line breaks of `\s+(?!\S)|\s+`, where white space stands; 0 where the run
 * goes beyond `limit`.
 */
export function whiteSpaceEnd(start: i32, end: i32, limit: i32, lineBreaks: bool): i32 {
  let at = start;
  let last = start;
  let behindBreak: i32 = 0;
  while (true) {
    const character = characterAt(at, end);
    if (!isIn(BLANKS, character)) break;
    last = at;
    at += character >> 4;
    if (lineBreaks && (character & 15) === NEWLINE) behindBreak = at;
  }
  if (at > limit) return 0;
  if (behindBreak > 0) return behindBreak;
  return at < end && last > start ? last : at;
}

/** Length of a contraction in lower case, or in any case, at `at`; 0 where there is none. */
export function contraction(at: i32, anyCase: bool): i32 {
  if (load<u8>(at) !== 0x27) return 0;
  const fold: u32 = anyCase ? 0x20 : 0;
  const first = <u32>load<u8>(at, 1) | fold;
  const second = <u32>load<u8>(at, 2) | fold;
  // s, t, m, d
  if (first === 0x73 || first === 0x74 || first === 0x6d || first === 0x64) return 2;
  // re, ve
  if (first === 0x72 || first === 0x76) return second === 0x65 ? 3 : 0;
  // ll
  if (first === 0x6c) return second === 0x6c ? 3 : 0;
  // U+017F, the long s
  return anyCase && load<u8>(at, 1) === 0xc5 && load<u8>(at, 2) === 0xbf ? 3 : 0;
}
