import { createHash } from 'node:crypto';
import fc from 'fast-check';
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

  // Every character of white space that ECMAScript knows, its neighbours, and what the three steps change.
  const characters = fc.constantFrom(
    ...'\t\n\v\f\r \u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\ufeff',
    ...'\b\u000e\u001c\u0085\u009f\u00a1\u167f\u1681\u180e\u1fff\u200b\u202a\u205e\u2060\u3001\ufefe',
    ...'aZ\u0301\u0130\u03a3\u212a\u{1f600}\ud800',
  );
  test('is that of the text in the form that the definition says', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.string({ unit: characters }),
      fc.string({ unit: 'binary', maxLength: 50 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const form = text.normalize('NFC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
        expect(normalizedTextHash(text)).toBe(createHash('sha256').update(form).digest('hex').slice(0, 32));
      }),
      { numRuns: 200 },
    );
  });
});
