import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StopFilter } from '../../src/trainer/stop-filter.js';

function filtered(stops: readonly string[], pieces: readonly string[]): string {
  const filter = new StopFilter(stops);
  let out = '';
  for (const piece of pieces) {
    out += filter.push(piece);
    // Nothing that was given out may have to be taken back.
    for (const stop of stops) expect(out.includes(stop)).toBe(false);
  }
  return filter.stopped ? out : out + filter.end();
}

it('ends before the first stop sequence, wherever the pieces are cut', () => {
  expect(filtered(['\n\n'], ['one\n', 'two\n', '\nthree'])).toBe('one\ntwo');
  expect(filtered(['END', 'ND'], ['aEN', 'D'])).toBe('a');
  expect(filtered(['aab'], ['aa', 'aab', 'x'])).toBe('aa');
});

it('gives everything where none comes, what looked like the beginning of one included', () => {
  expect(filtered(['stop'], ['st', 'o', 'pping'])).toBe('');
  expect(filtered(['stopped'], ['st', 'o', 'p'])).toBe('stop');
  expect(filtered([], ['a', 'b'])).toBe('ab');
});

it('is the text up to the earliest stop sequence', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
  const stop = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 5 }), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
      const whole = pieces.join('');
      const places = stops.map((text) => whole.indexOf(text)).filter((place) => place !== -1);
      // A sequence ends the text when its last letter comes; of several in one piece the first counts.
      const expected = places.length === 0 ? whole : undefined;
      const out = filtered(stops, pieces);
      if (expected !== undefined) expect(out).toBe(expected);
      else expect(whole.startsWith(out) && places.includes(out.length)).toBe(true);
    }),
  );
});
