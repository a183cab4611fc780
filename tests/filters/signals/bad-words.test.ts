/** Obscene words against a plain search for every word of the list, on generated texts. */
import fc from 'fast-check';
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { measureSignals, SIGNALS } from '../../../src/filters/signals/index.js';

const lists = createRequire(import.meta.url)('naughty-words') as Record<string, string[]>;
const column = SIGNALS.findIndex(({ name }) => name === 'bad_word_count');

/** Places where a word of the list begins that stands between characters that are no letters, numbers or underscores. */
function badPlaces(text: string, words: readonly string[]): number {
  const lower = text.toLowerCase();
  const isWordUnit = (i: number): boolean => i >= 0 && i < text.length && /[\p{L}\p{N}_]/u.test(text[i]);
  let places = 0;
  for (let i = 0; i < text.length; i++) {
    if (isWordUnit(i - 1)) continue;
    if (words.some((word) => lower.startsWith(word, i) && !isWordUnit(i + word.length))) places += 1;
  }
  return places;
}

// Lists with words of two letters (xx, cu, am), of several words, and with a hyphen or an ampersand.
test.each(['en', 'pt', 'tr', 'de'])('%s', (language) => {
  const words = lists[language].map((word) => word.trim()).filter((word) => /^[\0-\x7f]{2,}$/.test(word));
  const parts = fc.oneof(
    fc.constantFrom(...words),
    fc.constantFrom(...words).map((word) => word.toUpperCase().replaceAll('I', 'i')),
    fc.constantFrom(...words).map((word) => word.slice(0, 2)),
    fc.constantFrom(...Array.from('aexs2 ,.)-_&"\nñ')),
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 12 }), (chosen) => {
      const text = chosen.join('');
      expect(measureSignals(text, { language })[column]).toBe(badPlaces(text, words));
    }),
    { seed: 31, numRuns: 400 },
  );
});
