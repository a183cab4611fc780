import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { DEFAULT_MINHASH, planBands } from '../../../src/filters/minhash/parameters.js';
import { estimateJaccard, signatureOf } from '../../../src/filters/minhash/signature.js';

const { bands: BANDS, rows: ROWS, shingle: SHINGLE_WORDS } = DEFAULT_MINHASH;
const PERMUTATIONS = BANDS * ROWS;

/** Set of the word 5-grams of words that are separated by single spaces. */
function shingles(words: readonly string[]): Set<string> {
  const set = new Set<string>();
  for (let i = 0; i + SHINGLE_WORDS <= words.length; i++)
    set.add(words.slice(i, i + SHINGLE_WORDS).join(' '));
  return set;
}

function jaccard(a: Set<string>, b: Set<string>): number {
  const common = [...a].filter((shingle) => b.has(shingle)).length;
  return common / (a.size + b.size - common);
}

/** Pairs of texts of 200 words of which the first `kept` are the same, and their exact similarity. */
function* pairs(
  count: number,
  kept: number,
  seed: number,
): Generator<{ one: string; other: string; exact: number }> {
  const random = new Random(seed);
  const word = (): string => random.uint32().toString(36);
  for (let i = 0; i < count; i++) {
    const one = Array.from({ length: 200 }, word);
    const other = one.map((same, index) => (index < kept ? same : word()));
    yield { one: one.join(' '), other: other.join(' '), exact: jaccard(shingles(one), shingles(other)) };
  }
}

describe('the estimate of the Jaccard similarity', () => {
  test.each([[100], [170], [190]])(
    'is unbiased, with the variance of that many permutations: %i of 200',
    (kept) => {
      const COUNT = 400;
      let error = 0;
      let squares = 0;
      let variance = 0;
      for (const { one, other, exact } of pairs(COUNT, kept, kept)) {
        const difference = estimateJaccard(signatureOf(one).minhashes, signatureOf(other).minhashes) - exact;
        error += difference;
        squares += difference ** 2;
        variance += (exact * (1 - exact)) / PERMUTATIONS;
      }
      // Four standard errors of the mean; the variance of 400 squares is within 30%.
      expect(Math.abs(error / COUNT)).toBeLessThan(4 * Math.sqrt(variance / COUNT / COUNT));
      expect(squares / variance).toBeGreaterThan(0.7);
      expect(squares / variance).toBeLessThan(1.3);
    },
  );

  test('pairs share a band as often as 1 - (1 - J^8)^14 says', () => {
    const COUNT = 600;
    let shared = 0;
    let expected = 0;
    let variance = 0;
    for (const { one, other, exact } of pairs(COUNT, 165, 9)) {
      const a = signatureOf(one).bands;
      const b = signatureOf(other).bands;
      if (a.some((hash, band) => hash === b[band])) shared += 1;
      const chance = 1 - (1 - exact ** ROWS) ** BANDS;
      expected += chance;
      variance += chance * (1 - chance);
    }
    expect(expected / COUNT).toBeGreaterThan(0.3);
    expect(expected / COUNT).toBeLessThan(0.8);
    expect(Math.abs(shared - expected)).toBeLessThan(4 * Math.sqrt(variance));
  });
});

describe('shingles', () => {
  const same = (one: string, other: string): boolean =>
    estimateJaccard(signatureOf(one).minhashes, signatureOf(other).minhashes) === 1;

  test('case, punctuation and white space make no difference', () => {
    expect(same('One two three, four five six.', 'one TWO\nthree four  "five" six')).toBe(true);
  });

  test('repeated shingles count once', () => {
    expect(same('a b c d e '.repeat(2), 'a b c d e '.repeat(50))).toBe(true);
  });

  test('the order of words matters', () => {
    expect(same('a b c d e', 'b a c d e')).toBe(false);
  });

  test('a text of fewer than five words is one shingle of all of them', () => {
    expect(same('One, two', 'one two')).toBe(true);
    expect(same('one two', 'one two three')).toBe(false);
    expect(same('one two', 'two one')).toBe(false);
  });

  test('a text without words equals itself only', () => {
    expect(same('...', '...')).toBe(true);
    expect(same('...', '?!')).toBe(false);
    expect(same('', '...')).toBe(false);
  });

  test('five words and the same five in a longer text share one shingle', () => {
    const words = Array.from({ length: 105 }, (_, i) => `w${i}`);
    const whole = signatureOf(words.join(' ')).minhashes;
    const part = signatureOf(words.slice(50, 55).join(' ')).minhashes;
    // exactly 1 of 101 shingles: each minimum of the part is reached or undercut by the whole
    whole.forEach((minimum, i) => expect(minimum | 0).toBeLessThanOrEqual(part[i] | 0));
  });

  test('any number of shingles is covered, across the blocks that they are hashed in', () => {
    const words = Array.from({ length: 5000 }, (_, i) => `w${i}`);
    const whole = Int32Array.from(signatureOf(words.join(' ')).minhashes);
    const parts = [
      [0, 2052],
      [2048, 4100],
      [4096, 5000],
    ].map(([start, end]) => Int32Array.from(signatureOf(words.slice(start, end).join(' ')).minhashes));
    expect(whole).toEqual(whole.map((_, i) => Math.min(...parts.map((part) => part[i]))));
  });
});

describe('bands', () => {
  test('equal rows are equal bands, and one other row is another band', () => {
    for (const { one, other } of pairs(60, 180, 3)) {
      const a = signatureOf(one);
      const b = signatureOf(other);
      for (let band = 0; band < BANDS; band++) {
        const rows = (minhashes: Uint32Array): string =>
          minhashes.slice(band * ROWS, (band + 1) * ROWS).join(' ');
        expect(a.bands[band] === b.bands[band]).toBe(rows(a.minhashes) === rows(b.minhashes));
      }
    }
  });

  test('the bands of one text differ although their rows may not', () => {
    const { bands } = signatureOf('one two three four five', { ...DEFAULT_MINHASH, bands: 112, rows: 1 });
    expect(new Set(bands).size).toBe(112);
  });

  test('shapes', () => {
    const { minhashes, bands } = signatureOf('one two three');
    expect([minhashes.length, bands.length]).toEqual([112, 14]);
    const other = signatureOf('one two three', { ...DEFAULT_MINHASH, bands: 9, rows: 10 });
    expect([other.minhashes.length, other.bands.length]).toEqual([90, 9]);
    // The first permutations are the same whatever their number.
    expect(other.minhashes).toEqual(minhashes.slice(0, 90));
  });
});

describe('planning bands and rows', () => {
  test.each([
    // (1/16)^(1/4) = 1/2 exactly
    [0.5, 16, 4],
    // (1/12)^(1/7) = 0.7012
    [0.7, 12, 7],
    // (1/9)^(1/10) = 0.8027; 11 x 10 gives 0.787, 10 x 11 gives 0.811
    [0.8, 9, 10],
    // (1/6)^(1/17) = 0.89998
    [0.9, 6, 17],
  ])('threshold %f: %i bands of %i rows', (threshold, bands, rows) => {
    expect(planBands(threshold)).toEqual({ bands, rows });
  });

  test('uses most of the permutations and never more than there are', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 0.99, noNaN: true }), (threshold) => {
        const { bands, rows } = planBands(threshold);
        expect(bands * rows).toBeLessThanOrEqual(PERMUTATIONS);
        expect(bands * rows * 2).toBeGreaterThan(PERMUTATIONS);
      }),
      { seed: 6 },
    );
  });

  test('the midpoint of the default is that of FineWeb', () => {
    expect((1 / BANDS) ** (1 / ROWS)).toBeCloseTo(0.719, 3);
  });
});

describe('determinism', () => {
  // Values of a second implementation, in Python.
  test.each([
    [
      'The quick brown fox jumps over the lazy dog.',
      [2839930770, 2436794734, 2328333018, 2879688830],
      5575790825046879490n,
    ],
    ['すべての人間は、生まれながらにして自由である。', [2458281911, 2653014457], 3035537459290181542n],
    ['Straße ÉCOLE', [2409173999, 2325972379], 6102435804312650071n],
  ])('signatures that datasets may hold already: %s', (text, minhashes, band) => {
    const signature = signatureOf(text);
    expect([...signature.minhashes.subarray(0, minhashes.length)]).toEqual(minhashes);
    expect(signature.bands[0]).toBe(band);
  });

  test('the seed chooses the permutations', () => {
    const text = 'one two three four five six seven';
    const other = signatureOf(text, { ...DEFAULT_MINHASH, seed: 2 });
    expect(estimateJaccard(signatureOf(text).minhashes, other.minhashes)).toBeLessThan(0.1);
    expect(signatureOf(text)).toEqual(signatureOf(text));
  });

  test('any string at all has a signature', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(signatureOf(text).minhashes).toHaveLength(PERMUTATIONS);
      }),
      { seed: 7 },
    );
  });
});
