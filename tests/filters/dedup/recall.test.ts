/** Recall and precision against the exact Jaccard similarity of every pair, on corpora with planted near-duplicates. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { dedupTexts } from '../../../src/filters/dedup/dedup-texts.js';
import { dedupConfig, type DedupRequest } from '../../../src/filters/dedup/settings.js';
import { collisionProbability } from '../../../src/filters/minhash/parameters.js';

const WORDS = 150;

interface Planted {
  readonly original: string;
  readonly copy: string;
  /** Exact similarity of their sets of 5-grams of words. */
  readonly jaccard: number;
}

function jaccardOf(one: string, other: string): number {
  const grams = (text: string): Set<string> => {
    const words = text.split(' ');
    return new Set(words.slice(4).map((_, i) => words.slice(i, i + 5).join(' ')));
  };
  const [a, b] = [grams(one), grams(other)];
  const common = [...a].filter((gram) => b.has(gram)).length;
  return common / (a.size + b.size - common);
}

/** Pairs of texts of which the second has a tail of other words, in every similarity from 0.3 to 1. */
function plant(pairs: number, seed: number): Planted[] {
  const random = new Random(seed);
  const word = (): string => `w${random.uint32().toString(36)}`;
  return Array.from({ length: pairs }, (_, i) => {
    const words = Array.from({ length: WORDS }, word);
    const kept = WORDS - Math.floor((i / pairs) * WORDS * 0.5);
    const original = words.join(' ');
    const copy = words.map((same, index) => (index < kept ? same : word())).join(' ');
    return { original, copy, jaccard: jaccardOf(original, copy) };
  });
}

/** All originals, then all copies; whether each copy was found, and what was found for it. */
async function find(
  planted: readonly Planted[],
  request: DedupRequest,
): Promise<{ of: string | undefined; jaccard: number | undefined }[]> {
  const items = [
    ...planted.map(({ original }, i) => ({ id: `original ${i}`, text: original })),
    ...planted.map(({ copy }, i) => ({ id: `copy ${i}`, text: copy })),
  ];
  const found: { of: string | undefined; jaccard: number | undefined }[] = [];
  for await (const { duplicate } of dedupTexts(items, { config: dedupConfig(request) })) {
    found.push({ of: duplicate?.duplicateOf, jaccard: duplicate?.jaccard });
  }
  expect(found.slice(0, planted.length).every(({ of }) => of === undefined)).toBe(true);
  return found.slice(planted.length);
}

describe.each<[string, DedupRequest]>([
  ['fineweb', {}],
  ['nemo over words', { minhash: 'nemo', shingle: 'words:5' }],
  ['9x13', { minhash: '9x13' }],
  ['planned for 0.6', { threshold: 0.6 }],
])('%s', (_, request) => {
  test('finds as many as the S-curve says, and names the right one', async () => {
    const planted = plant(500, 21);
    const found = await find(planted, request);
    let expected = 0;
    let variance = 0;
    let count = 0;
    found.forEach(({ of }, i) => {
      const chance = collisionProbability(planted[i].jaccard, dedupConfig(request).minhash);
      expected += chance;
      variance += chance * (1 - chance);
      if (of === undefined) return;
      count += 1;
      expect(of).toBe(`original ${i}`);
    });
    expect(variance).toBeGreaterThan(10);
    expect(Math.abs(count - expected)).toBeLessThan(4 * Math.sqrt(variance));
  });
});

test('verified, precision is 1: nothing below the threshold, and all candidates above it', async () => {
  const planted = plant(400, 22);
  const candidates = await find(planted, { threshold: 0.5 });
  const verified = await find(planted, { threshold: 0.5, verify: 0.75 });
  let removed = 0;
  verified.forEach(({ of, jaccard }, i) => {
    const isCandidate = candidates[i].of !== undefined;
    expect(of !== undefined).toBe(isCandidate && planted[i].jaccard >= 0.75);
    if (of !== undefined) expect(jaccard).toBe(planted[i].jaccard);
    else if (isCandidate) removed += 1;
  });
  expect(removed).toBeGreaterThan(50);
});

test('CS336: pairs above 0.8 are all found, none below', async () => {
  const planted = plant(200, 23).filter(({ jaccard }) => Math.abs(jaccard - 0.8) > 0.03);
  (await find(planted, { minhash: 'cs336' })).forEach(({ of }, i) => {
    // At 0.83 a candidate is missed with probability (1 - 0.83^10)^50 = 0.0002.
    expect(of).toBe(planted[i].jaccard > 0.8 ? `original ${i}` : undefined);
  });
});
