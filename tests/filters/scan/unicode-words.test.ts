import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanText } from '../../../src/filters/scan/scan.js';

/** Lengths of the words that begin with a letter or number. */
function ours(text: string): number[] {
  const { unicodeWords: words } = scanText(text);
  return Array.from({ length: words.count }, (_, i) => words.between(i, i + 1));
}

/** The same by ICU, which has the colon as no part of words, and dictionaries for scripts without spaces. */
const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
function theirs(text: string): number[] {
  return [...segmenter.segment(text)]
    .filter(({ segment }) => /^[\p{L}\p{N}]/u.test(segment))
    .map(({ segment }) => Array.from(segment).length);
}

describe('words by the boundaries of Unicode are those of ICU', () => {
  test.each([
    ['The quick ("brown") fox can\'t jump 32.3 feet, right?'],
    ['e.g. U.S.A. 1,000.50 3.x x.3 a_b _c d_ 10:30 état naïve'],
    ['Привет, мир! Ελληνικά κείμενα.'],
    ['カタカナ テスト ｶﾀｶﾅ'],
    ['한국어 단어들'],
    ['क्षत्रिय हिन्दी'],
    ['عربي نص'],
    ['a\u0301b c\u00adc 👨‍👩‍👧 ½ ² Ⅷ 𝐀𝐁 𝟘𝟙'],
    ["l'homme d’abord can''t o'"],
  ])('%s', (text) => expect(ours(text.replaceAll(':', ' '))).toEqual(theirs(text.replaceAll(':', ' '))));

  test('any text of letters, digits, marks and what joins them', () => {
    const unit = fc.constantFrom(..."abé1٣_.,;'’ -\u0301カーßя!\n\u00ad");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
        expect(ours(text)).toEqual(theirs(text));
      }),
      { numRuns: 1000 },
    );
  });
});

test('in scripts without spaces each letter is a word, with its marks', () => {
  expect(ours('人人生而自由')).toEqual([1, 1, 1, 1, 1, 1]);
  expect(ours('ที่นี่')).toEqual([3, 3]);
  expect(ours('ひらがな')).toEqual([1, 1, 1, 1]);
});
