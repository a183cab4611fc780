/**
 * The class of every code point, and of the character at a place in UTF-8.
 *
 * The data is pinned in `unicode-data.ts`, so that no runtime changes a token. Bytes that are not valid UTF-8
 * (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF) count one by one as characters of class OTHER.
 */
import { CLASS_RUNS } from './unicode-data.js';

export const OTHER = 0;
/** \p{Lu} and \p{Lt} */
export const UPPER = 1;
/** \p{Ll} */
export const LOWER = 2;
/** \p{Lm} and \p{Lo} */
export const UNCASED = 3;
/** \p{M} */
export const MARK = 4;
/** \p{N} */
export const NUMBER = 5;
/** \p{White_Space} without CR and LF */
export const SPACE = 6;
/** CR and LF */
export const NEWLINE = 7;
/** What `characterAt` says at the end of the text. */
export const END = 8;

/**
 * What `firstByteTable` says for bytes from 0x80, END_BYTE among them. Also the bit of a class test: classes are below
 * it.
 */
export const MULTIBYTE = 9;

/** A byte that never occurs in UTF-8: written behind a text, it ends every run of ASCII without a test of the position. */
export const END_BYTE = 0xff;

const MARK_LETTERS = 'OULXMNSR';
const BLOCK_BITS = 7;
const BLOCK_MASK = (1 << BLOCK_BITS) - 1;
const CODE_POINTS = 0x110000;

/** Two levels: `BLOCK_OF[cp >> 7]` is the number of a block of 128 classes; equal blocks are stored once. */
const { BLOCK_OF, BLOCKS } = buildTables();

function buildTables(): { BLOCK_OF: Uint8Array; BLOCKS: Uint8Array } {
  const classes = new Uint8Array(CODE_POINTS);
  let position = 0;
  for (const [, length, mark] of CLASS_RUNS.matchAll(/([0-9a-z]+)([A-Z])/g)) {
    const end = position + Number.parseInt(length, 36);
    classes.fill(MARK_LETTERS.indexOf(mark), position, end);
    position = end;
  }
  const numbers = new Map<string, number>();
  const blockOf = new Uint8Array(CODE_POINTS >> BLOCK_BITS);
  const blocks: Uint8Array[] = [];
  for (let index = 0; index < blockOf.length; index++) {
    const block = classes.subarray(index << BLOCK_BITS, (index + 1) << BLOCK_BITS);
    const key = block.join('');
    let number = numbers.get(key);
    if (number === undefined) {
      number = blocks.push(block) - 1;
      numbers.set(key, number);
    }
    blockOf[index] = number;
  }
  const table = new Uint8Array(blocks.length << BLOCK_BITS);
  blocks.forEach((block, number) => table.set(block, number << BLOCK_BITS));
  return { BLOCK_OF: blockOf, BLOCKS: table };
}

/** The two levels, for scanners that are not in TypeScript. */
export const CLASS_BLOCKS: { readonly blockOf: Uint8Array; readonly blocks: Uint8Array } = {
  blockOf: BLOCK_OF,
  blocks: BLOCKS,
};

/** Class of a code point below 0x110000. */
export function classOf(codePoint: number): number {
  return BLOCKS[(BLOCK_OF[codePoint >> BLOCK_BITS] << BLOCK_BITS) | (codePoint & BLOCK_MASK)];
}

/** Class of the character at `position`, with its length in bytes: `class | length << 4`. At `end` it is END, length 0. */
export function characterAt(bytes: Uint8Array, position: number, end: number): number {
  if (position >= end) return END;
  const first = bytes[position];
  if (first < 0x80) return classOf(first) | 0x10;
  // A text that ends inside a character leaves too few bytes: what is behind the end is no continuation byte.
  if (first >= 0xc2 && first < 0xe0 && position + 1 < end) {
    const second = bytes[position + 1] ^ 0x80;
    if (second < 0x40) return classOf(((first & 0x1f) << 6) | second) | 0x20;
  } else if (first >= 0xe0 && first < 0xf0 && position + 2 < end) {
    const second = bytes[position + 1] ^ 0x80;
    const third = bytes[position + 2] ^ 0x80;
    const codePoint = ((first & 0x0f) << 12) | (second << 6) | third;
    if ((second | third) < 0x40 && codePoint >= 0x800 && (codePoint & 0xf800) !== 0xd800) {
      return classOf(codePoint) | 0x30;
    }
  } else if (first >= 0xf0 && first < 0xf5 && position + 3 < end) {
    const second = bytes[position + 1] ^ 0x80;
    const third = bytes[position + 2] ^ 0x80;
    const fourth = bytes[position + 3] ^ 0x80;
    const codePoint = ((first & 0x07) << 18) | (second << 12) | (third << 6) | fourth;
    if ((second | third | fourth) < 0x40 && codePoint >= 0x10000 && codePoint < CODE_POINTS) {
      return classOf(codePoint) | 0x40;
    }
  }
  return OTHER | 0x10;
}

/**
 * For a pattern that joins classes into groups: the group of every ASCII byte, MULTIBYTE for the others.
 * @param groups group of each class, by its number
 */
export function firstByteTable(groups: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x80 ? groups[classOf(byte)] : MULTIBYTE));
}
