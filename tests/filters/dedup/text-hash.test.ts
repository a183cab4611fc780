import { describe, expect, test } from 'vitest';
import { normalizedTextHash } from '../../../src/filters/dedup/text-hash.js';

describe('exact duplicates', () => {
  test.each([
    ['case', 'The Same', 'the same'],
    ['white space', 'a  b\r\n\tc', ' a b c\n'],
    ['composition', 'cafe\u0301', 'caf\u00e9'],
    ['no-break space', 'a\u00a0b', 'a b'],
  ])('%s makes no difference', (_, one, other) => {
    expect(normalizedTextHash(one)).toBe(normalizedTextHash(other));
  });

  test.each([
    ['punctuation', 'a b', 'a, b'],
    ['a missing space', 'a b', 'ab'],
    ['accents', 'cafe', 'café'],
    ['compatibility characters', 'fi', 'ﬁ'],
  ])('%s does', (_, one, other) => {
    expect(normalizedTextHash(one)).not.toBe(normalizedTextHash(other));
  });

  // printf 'hello world' | sha256sum
  test('is the first half of SHA-256', () => {
    expect(normalizedTextHash('  Hello\nWORLD ')).toBe('b94d27b9934d3e08a52e52d7da7dabfa');
  });
});
