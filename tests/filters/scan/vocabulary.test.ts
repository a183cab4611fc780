import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findPii } from '../../../src/filters/pii/find.js';
import { scanText } from '../../../src/filters/scan/scan.js';
import { measureSignals } from '../../../src/filters/signals/index.js';

const PARTS = Array.from(`abÉ1.,'’-/:#+_ \n日ส\u0301👍𐐔("…\u202f\u2028\r\t\ud800\udc00`);
const PHRASES = [
  'the ',
  "don't ",
  'U.S. ',
  'http://a.b/c. ',
  'lorem ipsum ',
  '[1] ',
  '8.8.8.8 ',
  'ALL CAPS\n',
];
const texts = fc
  .array(fc.constantFrom(...PARTS, ...PHRASES), { maxLength: 60 })
  .map((parts) => parts.join(''));

test('words of a text, taken piece by piece, are those of the text as a whole', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const { words, wordSequence } = scanText(text);
      expect(wordSequence.count).toBe(words.count);
      const numbers = new Map<string, number>();
      for (let i = 0; i < words.count; i++) {
        expect(wordSequence.between(i, i + 1)).toBe(words.characters[i]);
        const word = text.slice(words.start[i], words.end[i]);
        if (!numbers.has(word)) numbers.set(word, wordSequence.numbers[i]);
        expect(wordSequence.numbers[i]).toBe(numbers.get(word));
      }
      expect(new Set(numbers.values()).size).toBe(numbers.size);
    }),
    { seed: 11 },
  );
});

describe('what a text is measured as does not depend on the texts before it', () => {
  const measured = fc.sample(texts, { seed: 12, numRuns: 60 });
  const once = measured.map((text) => measureSignals(text, { language: 'en' }));

  test('in another order, known, and for other languages before', () => {
    for (const text of measured) measureSignals(text, { language: 'ja' });
    const again = measured.toReversed().map((text) => measureSignals(text, { language: 'en' }));
    expect(again.toReversed()).toEqual(once);
  });

  test('behind more different pieces than are kept', () => {
    const many = Array.from({ length: 70_000 }, (_, i) => `w${i.toString(36)}`).join(' ');
    expect(scanText(many).pieces.distinctCount).toBe(70_000);
    expect(measured.map((text) => measureSignals(text, { language: 'en' }))).toEqual(once);
  });

  test('an address at the end of a text', () => {
    const address = '2001:4860:4860::8888';
    scanText('x'.repeat(100));
    expect(findPii(`it is ${address}`).map(({ kind }) => kind)).toEqual(['ipv6']);
  });
});
