import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scanText } from '../../../src/filters/scan/scan.js';
import { measureSignals, type SignalValues } from '../../../src/filters/signals/index.js';
import { scanKernel, withoutKernel } from '../../../src/filters/wasm/kernel.js';

const PARTS = Array.from(`abÉ1.,'’-/:#+_ \n日ส\u0301👍𐐔("…\u202f\u2028\r\t\0\ud800\udc00`);
const PHRASES = [
  'the ',
  'to be of and ',
  "don't ",
  'U.S. ',
  'http://a.b/c. ',
  'Lorem Ipsum ',
  'use cookies\n',
  'already read\n',
  'A Ab ABC\n\n',
  'one two three four five six seven eight nine ten eleven\n',
  'a@b.example ',
  '8.8.8.8 ',
  'AKIAABCDEFGHIJKLMNOP ',
  '3,000,000-dollar ',
  'fuck_it ',
];
const texts = fc
  .array(fc.constantFrom(...PARTS, ...PHRASES), { maxLength: 80 })
  .map((parts) => parts.join(''));

/** All signals by the kernel, and by TypeScript. */
function both(text: string): [SignalValues, SignalValues] {
  const language = 'en';
  const byKernel = measureSignals(text, { language });
  scanText('');
  const here = withoutKernel(() => measureSignals(text, { language }));
  scanText('');
  return [byKernel, here];
}

describe('the kernel and TypeScript measure the same', () => {
  test('there is a kernel', () => {
    expect(scanKernel()).not.toBeNull();
    expect(withoutKernel(scanKernel)).toBeNull();
  });

  test('any text', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const [byKernel, here] = both(text);
        expect(byKernel).toEqual(here);
      }),
      { seed: 21, numRuns: 400 },
    );
  });

  test.each([
    ['one character', 'x'.repeat(200_000)],
    ['lines', 'a\n'.repeat(100_000)],
    ['different words', Array.from({ length: 40_000 }, (_, i) => `w${i.toString(36)}`).join(' ')],
    ['one word', 'word '.repeat(50_000)],
    ['combining marks', '\u0301'.repeat(50_000)],
    ['zero bytes', '\0'.repeat(50_000)],
    ['symbols', '.,'.repeat(60_000)],
    ['longer than the kernel takes', 'some words '.repeat(25_000)],
  ])('%s', (_, text) => {
    const [byKernel, here] = both(text);
    expect(byKernel).toEqual(here);
  });
});
