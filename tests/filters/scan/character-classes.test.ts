import { describe, expect, test } from 'vitest';
import {
  classOf,
  CONNECTOR,
  DIGIT,
  KATAKANA,
  LETTER,
  LINE_BREAK,
  LOWER,
  MARK,
  NUMBER,
  PROPERTY_PATTERNS,
  PUNCTUATION,
  SENTENCE_END,
  SPACE,
  UNIT_CLASSES,
  UNSPACED,
  UPPER,
} from '../../../src/filters/scan/character-classes.js';
import { UNICODE_VERSION } from '../../../src/filters/scan/unicode-data.js';

// By the code charts of Unicode.
describe('characters have the properties that Unicode gives them', () => {
  test.each([
    ['A', LETTER | UPPER],
    ['ß', LETTER | LOWER],
    ['ǅ', LETTER],
    ['ʰ', LETTER],
    ['日', LETTER | UNSPACED],
    ['あ', LETTER | UNSPACED],
    ['カ', LETTER | KATAKANA],
    ['한', LETTER],
    ['\u0301', MARK],
    ['\u200d', MARK],
    ['٣', DIGIT],
    ['½', NUMBER],
    ['Ⅷ', NUMBER],
    ['_', CONNECTOR | PUNCTUATION],
    ['\u202f', SPACE | CONNECTOR],
    ['\u2028', SPACE | LINE_BREAK],
    ['.', SENTENCE_END | PUNCTUATION],
    ['。', SENTENCE_END | PUNCTUATION],
    ['€', 0],
    ['\ud800', 0],
    ['𐐀', LETTER | UPPER],
    ['𐐨', LETTER | LOWER],
    ['𠀀', LETTER | UNSPACED],
    ['👍', 0],
  ])('%j', (character, bits) => {
    const codePoint = character.codePointAt(0) as number;
    expect(classOf(codePoint)).toBe(bits);
    if (codePoint < 0x1_0000) expect(UNIT_CLASSES[codePoint]).toBe(bits);
  });
});

test('the tables agree with an engine of the same version of Unicode, and but for new characters with another', () => {
  let different = 0;
  // Behind ASCII and the controls of Latin-1, where datatrove and Python add to the properties.
  for (let codePoint = 0xa0; codePoint < 0x11_0000; codePoint++) {
    const character = String.fromCodePoint(codePoint);
    const known = classOf(codePoint) & ~(PUNCTUATION | LINE_BREAK);
    let bits = 0;
    for (const [pattern, bit] of PROPERTY_PATTERNS) if (pattern.test(character)) bits |= bit;
    if (known !== (bits & ~PUNCTUATION)) different += 1;
  }
  expect(different).toBeLessThanOrEqual(process.versions['unicode'] === UNICODE_VERSION ? 0 : 20_000);
});
