import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hash128 } from '../../../src/core/hash.js';
import { COUNTS, RARE } from '../../../src/filters/scan/piece-facts.js';
import { COMMON_COUNTS, ENTRY, FLAGS, PIECE } from '../../../src/filters/scan/piece-layout.js';
import { scanText } from '../../../src/filters/scan/scan.js';
import { measureSignals } from '../../../src/filters/signals/index.js';
import { scanKernel, withoutKernel } from '../../../src/filters/wasm/kernel.js';
import { MAX_RECORDS, MAX_TEXT_UNITS } from '../../../src/filters/wasm/layout.js';

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
  'ass, ',
  'xx) ',
  '2 girls 1 cup ',
];
const mixedTexts = fc
  .array(fc.constantFrom(...PARTS, ...PHRASES), { maxLength: 80 })
  .map((parts) => parts.join(''));
/** All of ASCII, letters and what joins them more often than the rest. */
const asciiTexts = fc.string({
  unit: fc.oneof(
    fc.integer({ min: 0, max: 127 }).map((code) => String.fromCharCode(code)),
    fc.constantFrom(...Array.from("aAnstlrveNT019.,'-/:+_ \n")),
  ),
  maxLength: 120,
});

/** By the kernel, and by TypeScript. Between them another text is scanned, as the last scan is kept. */
function both<Result>(work: () => Result): [Result, Result] {
  scanText('');
  const byKernel = work();
  scanText('');
  const here = withoutKernel(work);
  scanText('');
  return [byKernel, here];
}

/** All that a scan says of a text. */
function tablesOf(text: string): unknown[] {
  const { pieces, lines, physicalLines, wordSequence, unicodeWords, normalWords } = scanText(text);
  const distinct = Array.from({ length: pieces.distinctCount }, (_, index) => {
    const entry = pieces.distinct.slice(index * ENTRY, (index + 1) * ENTRY);
    const isRare = (entry[FLAGS] & RARE) !== 0;
    // Where the vocabulary has a piece is its own matter; counts that are not kept are not written.
    entry[PIECE] = 0;
    return [entry, pieces.counts.slice(index * COUNTS, index * COUNTS + (isRare ? COUNTS : COMMON_COUNTS))];
  });
  const column = (array: Int32Array | Uint32Array, count: number): number[] =>
    Array.from(array.subarray(0, count));
  return [
    distinct,
    [pieces.wordCount, pieces.unicodeWordCount, pieces.numberCount],
    [pieces.commonSpaces, pieces.extraSpaceBytes],
    [pieces.start, pieces.end, pieces.entry].map((array) => column(array, pieces.count)),
    [lines, physicalLines].map(({ start, end, pieceEnd, count }) =>
      [start, end, pieceEnd].map((array) => column(array, count)),
    ),
    [lines.characters, lines.low, lines.high].map((array) => column(array, lines.count)),
    [wordSequence, unicodeWords, normalWords].map(({ numbers, sums, count }) => [
      column(numbers, count),
      column(sums, count + 1),
    ]),
  ];
}

test('there is a kernel, and it can be done without', () => {
  expect(scanKernel()).not.toBeNull();
  expect(withoutKernel(scanKernel)).toBeNull();
});

describe('the kernel and TypeScript find the same', () => {
  test.each([
    ['mixed texts', mixedTexts],
    ['texts of ASCII', asciiTexts],
  ])('%s', (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        const [byKernel, here] = both(() => [tablesOf(text), measureSignals(text, { language: 'en' })]);
        expect(byKernel).toEqual(here);
      }),
      { seed: 21, numRuns: 250 },
    );
  });

  test.each([
    ['one character', 'x'.repeat(50_000)],
    ['lines', 'a\n'.repeat(20_000)],
    ['one word', 'word '.repeat(10_000)],
    ['combining marks', '\u0301'.repeat(20_000)],
    ['zero bytes', '\0'.repeat(20_000)],
    ['symbols', '.,'.repeat(20_000)],
    ['longer than the kernel takes', 'some words '.repeat(25_000)],
  ])('%s', (_, text) => {
    const [byKernel, here] = both(() => measureSignals(text, { language: 'en' }));
    expect(byKernel).toEqual(here);
  });

  test('more different pieces than the first slots hold, and than are kept', () => {
    const texts = ['a', 'b', 'c'].map((letter) =>
      Array.from({ length: 48_000 }, (_, i) => letter + i.toString(36)).join(' '),
    );
    for (const text of texts) {
      const [byKernel, here] = both(() => {
        const { pieces, wordSequence } = scanText(text);
        return [pieces.distinctCount, pieces.numberCount, wordSequence.numbers.slice(0, wordSequence.count)];
      });
      expect(byKernel).toEqual(here);
    }
  });

  test('the most records that a text can need, behind the most that are kept', () => {
    // A piece of two letters without spaces has 36 integers of records, more than any other for its length.
    const pairs = (first: number, count: number): string =>
      Array.from(
        { length: count },
        (_, i) => String.fromCharCode(first + Math.floor(i / 300)) + String.fromCharCode(first + (i % 300)),
      ).join(' ');
    // Longer than a head holds, so its letters lie behind the records: where those ran over, it is not found again.
    const long = 'l'.repeat(40);
    const between = pairs(0x4e00, Math.floor((MAX_TEXT_UNITS - 2 * (long.length + 1)) / 3));
    const text = `${long} ${between} ${long}`.padEnd(MAX_TEXT_UNITS - 1, '.');
    const kept = pairs(0x6e00, Math.floor(MAX_RECORDS / 36));
    const [byKernel, here] = both(() => {
      // The first fills the vocabulary over, so that the second begins an empty one, which the last goes on with.
      const counts = [text, kept, text].map((one) => {
        const { count, distinctCount, numberCount } = scanText(one).pieces;
        return [count, distinctCount, numberCount];
      });
      const { wordSequence, unicodeWords, normalWords } = scanText(text);
      const numbers = [wordSequence, unicodeWords, normalWords].map(
        ({ numbers: { buffer, byteOffset }, count }) =>
          hash128(new Uint8Array(buffer, byteOffset, 4 * count)),
      );
      return [counts, numbers, measureSignals(text, { language: 'ja' })];
    });
    expect(byKernel).toEqual(here);
  });
});
