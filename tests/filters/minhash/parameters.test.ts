import { describe, expect, test } from 'vitest';
import { dedupConfig } from '../../../src/filters/dedup/settings.js';
import {
  collisionProbability,
  DEFAULT_MINHASH,
  minhashParameters,
  PRESETS,
} from '../../../src/filters/minhash/parameters.js';
import { exactJaccard, shingleSet } from '../../../src/filters/minhash/shingle-set.js';
import { estimateJaccard, signatureOf } from '../../../src/filters/minhash/signature.js';

describe('published parameters', () => {
  test('FineWeb: 14 x 8 over 5 words, with the probabilities that it publishes', () => {
    expect(minhashParameters({})).toEqual(PRESETS.fineweb);
    expect(PRESETS.fineweb).toMatchObject({ bands: 14, rows: 8, unit: 'words', shingle: 5 });
    // FineWeb: "documents that are 70%, 75%, 80%, 85% similar: 56%, 77%, 92%, 98.8%"
    const chances = [0.7, 0.75, 0.8, 0.85].map((jaccard) => collisionProbability(jaccard, PRESETS.fineweb));
    [0.56, 0.77, 0.92, 0.988].forEach((chance, i) => expect(chances[i]).toBeCloseTo(chance, i === 3 ? 3 : 2));
  });

  test('CS336: 500 hashes in 50 bands, accents folded, candidates verified at 0.8', () => {
    expect(dedupConfig({ minhash: 'cs336' })).toMatchObject({
      minhash: { bands: 50, rows: 10, fold: true, unit: 'words', shingle: 5 },
      verify: 0.8,
    });
  });

  test('NeMo: 20 x 13 over 24 characters', () => {
    expect(dedupConfig({ minhash: 'nemo' })).toMatchObject({
      minhash: { bands: 20, rows: 13, unit: 'characters', shingle: 24 },
      verify: null,
    });
  });
});

describe('what is asked for', () => {
  test('bands, shingles and thresholds in place of those of the preset', () => {
    expect(minhashParameters({ minhash: '9x13' })).toEqual({ ...DEFAULT_MINHASH, bands: 9, rows: 13 });
    expect(minhashParameters({ minhash: 'nemo', shingle: 'words:3' })).toEqual({
      ...PRESETS.nemo,
      unit: 'words',
      shingle: 3,
    });
    expect(minhashParameters({ threshold: 0.5 })).toMatchObject({ bands: 16, rows: 4 });
    expect(dedupConfig({ exact: 'text, url', verify: 0.7 })).toMatchObject({
      exact: ['text', 'url'],
      verify: 0.7,
    });
    expect(dedupConfig({ exact: '' }).exact).toEqual([]);
  });

  test.each([
    [{ minhash: 'finweb' }, 'fineweb, cs336, nemo'],
    [{ minhash: '0x8' }, '14x8'],
    [{ minhash: '1000x8' }, '14x8'],
    [{ shingle: 'letters:3' }, 'words:5'],
    [{ shingle: 'words:0' }, 'words:5'],
    [{ exact: 'text,title' }, 'payload'],
  ])('%o is refused with a hint', (request, hint) => {
    expect(() => dedupConfig(request)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        hint: expect.stringContaining(hint) as string,
      }) as Error,
    );
  });
});

describe('shingles of characters', () => {
  const parameters = { ...DEFAULT_MINHASH, unit: 'characters', shingle: 4 } as const;
  const similarity = (one: string, other: string): number =>
    exactJaccard(shingleSet(one, parameters), shingleSet(other, parameters));

  /** Sets of 4-grams by the definition. */
  const expected = (one: string, other: string): number => {
    const grams = (text: string): Set<string> =>
      new Set(Array.from({ length: text.length - 3 }, (_, i) => text.slice(i, i + 4)));
    const [a, b] = [grams(one), grams(other)];
    const common = [...a].filter((gram) => b.has(gram)).length;
    return common / (a.size + b.size - common);
  };

  test.each([
    ['the old bridge over the river', 'the old bridge under the river'],
    ['すべての人間は生まれながらにして自由である', 'すべての人間は生まれながらに自由である'],
    ['aaaaaaaaaaaa', 'aaaaaaab'],
  ])('%s / %s', (one, other) => {
    expect(similarity(one, other)).toBe(expected(one, other));
  });

  test('case and the amount of white space make no difference, punctuation does', () => {
    expect(similarity(' The  old\n\tBridge ', 'the old bridge')).toBe(1);
    expect(similarity('the old bridge.', 'the old bridge')).toBeLessThan(1);
  });

  test('a text of fewer characters is one shingle', () => {
    expect(shingleSet('abc', parameters)).toHaveLength(1);
    expect(similarity('abc', 'ABC ')).toBe(1);
    expect(similarity('abc', 'abd')).toBe(0);
    expect(shingleSet('', parameters)).toHaveLength(1);
  });

  test('a long text is cut into blocks that leave out nothing', () => {
    // A de Bruijn-like text has 10,000 different 4-grams of digits at most.
    const text = Array.from({ length: 10_000 }, (_, i) => String(i).padStart(4, '0')).join('');
    expect(shingleSet(text, parameters)).toHaveLength(
      new Set(Array.from({ length: text.length - 3 }, (_, i) => text.slice(i, i + 4))).size,
    );
  });
});

describe('accents', () => {
  test('fold makes them equal, and only then', () => {
    const [one, other] = ['Café crème à la carte ici', 'Cafe creme a la carte ici'];
    const equal = (parameters: typeof DEFAULT_MINHASH): number =>
      estimateJaccard(signatureOf(one, parameters).minhashes, signatureOf(other, parameters).minhashes);
    expect(equal(PRESETS.cs336)).toBe(1);
    expect(equal({ ...PRESETS.cs336, fold: false })).toBeLessThan(0.2);
  });
});

describe('degenerate documents', () => {
  test.each(Object.entries(PRESETS))('%s: empty, stop words only, one word, 10 MB', (_, parameters) => {
    const signature = (text: string): Uint32Array => signatureOf(text, parameters).minhashes;
    expect(signature('')).toEqual(signature(''));
    expect(signature('')).not.toEqual(signature('the'));
    // Stop words are words like others.
    expect(signature('the of and to in that it is')).toEqual(
      signature('The of, and to in that it is'.replace(',', '')),
    );
    expect(signature('the of and to in that it is')).not.toEqual(signature('the of and to in that it was'));
    // One sentence again and again has the shingles of a few of it.
    const sentence = 'The old bridge has been there for a long time. ';
    const [long, short] = [sentence.repeat(10_000_000 / sentence.length), sentence.repeat(4)];
    expect(estimateJaccard(signature(long), signature(short))).toBe(1);
  });
});
