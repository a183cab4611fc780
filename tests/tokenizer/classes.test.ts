import { describe, expect, it } from 'vitest';
import {
  characterAt,
  classOf,
  END,
  LOWER,
  MARK,
  NEWLINE,
  NUMBER,
  OTHER,
  SPACE,
  UNCASED,
  UPPER,
} from '../../src/tokenizer/scan/classes.js';

describe('classes of code points', () => {
  it('has as many of each class as Unicode 16.0', () => {
    const found = Array.from({ length: 8 }, () => 0);
    for (let codePoint = 0; codePoint < 0x110000; codePoint++) found[classOf(codePoint)] += 1;
    // DerivedGeneralCategory.txt of 16.0: Lu 1858 and Lt 31, Ll 2258, Lm 404 and Lo 136477, M 2501, N 1911; White_Space 25.
    expect(found.slice(1)).toEqual([1858 + 31, 2258, 404 + 136_477, 2501, 1911, 23, 2]);
  });

  it.each([
    [0x41, UPPER],
    [0x1c5, UPPER], // title case
    [0x17f, LOWER], // long s
    [0xaa, UNCASED],
    [0x4e00, UNCASED],
    [0x2ebf0, UNCASED], // since 15.1
    [0x105c0, UNCASED], // since 16.0
    [0x301, MARK],
    [0x664, NUMBER],
    [0xbd, NUMBER],
    [0x20, SPACE],
    [0x85, SPACE],
    [0x3000, SPACE],
    [0x0a, NEWLINE],
    [0x0d, NEWLINE],
    [0x180e, OTHER], // white space until 6.2
    [0xfeff, OTHER], // in JavaScript's \s
    [0x10940, OTHER], // a letter since 17.0
    [0x1f600, OTHER],
    [0xd800, OTHER],
  ])('U+%s', (codePoint, expected) => {
    expect(classOf(codePoint)).toBe(expected);
  });
});

describe('characters in UTF-8', () => {
  function read(...bytes: number[]): [number, number] {
    const character = characterAt(Uint8Array.from(bytes), 0, bytes.length);
    return [character & 15, character >> 4];
  }

  it.each([
    ['one byte', [0x61], [LOWER, 1]],
    ['two bytes', [0xc3, 0x9f], [LOWER, 2]],
    ['three bytes', [0xe6, 0xbc, 0xa2], [UNCASED, 3]],
    ['four bytes', [0xf0, 0x9d, 0x9f, 0x97], [NUMBER, 4]],
  ])('%s', (_, bytes, expected) => {
    expect(read(...bytes)).toEqual(expected);
  });

  it.each([
    ['a continuation alone', [0x80]],
    ['overlong, two bytes', [0xc1, 0x81]],
    ['overlong, three bytes', [0xe0, 0x81, 0x81]],
    ['overlong, four bytes', [0xf0, 0x81, 0x81, 0x81]],
    ['a surrogate', [0xed, 0xa0, 0x80]],
    ['above U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
    ['not a first byte', [0xf5, 0x80, 0x80, 0x80]],
    ['cut off after one of two', [0xc3]],
    ['cut off after two of three', [0xe6, 0xbc]],
    ['cut off after three of four', [0xf0, 0x9d, 0x9f]],
    ['a letter instead of a continuation', [0xe6, 0x61, 0xa2]],
  ])('counts %s as one symbol', (_, bytes) => {
    expect(read(...bytes)).toEqual([OTHER, 1]);
  });

  it('says where the text ends', () => {
    expect(characterAt(Uint8Array.of(0x61, 0x62), 1, 1)).toBe(END);
    // What is behind the end is no part of a character.
    expect(characterAt(Uint8Array.of(0xc3, 0x9f), 0, 1)).toBe(OTHER | 0x10);
  });
});
