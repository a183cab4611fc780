import { describe, expect, test } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { dedupTexts, type DedupItem } from '../../../src/filters/dedup/dedup-texts.js';
import { dedupConfig, type DedupRequest } from '../../../src/filters/dedup/settings.js';

interface Outcome {
  readonly id: string;
  readonly duplicate_of: string | null;
  readonly jaccard: number | null;
}

async function outcomes(items: DedupItem[], request: DedupRequest = {}): Promise<Outcome[]> {
  const result: Outcome[] = [];
  for await (const { item, duplicate } of dedupTexts(items, { config: dedupConfig(request) })) {
    const { duplicateOf = null, jaccard = null } = duplicate ?? {};
    result.push({ id: item.id, duplicate_of: duplicateOf, jaccard });
  }
  return result;
}

const random = new Random(11);
const prose = (words: number): string =>
  Array.from({ length: words }, () => random.uint32().toString(36)).join(' ');

test('finds copies and near copies in order', async () => {
  const original = prose(300);
  const items = [
    { id: 'original', text: original },
    { id: 'other', text: prose(300) },
    { id: 'shouted', text: `  ${original.toUpperCase()}\n` },
    { id: 'longer', text: `${original} and a few words more` },
    { id: 'half', text: `${original.slice(0, original.length / 2)} ${prose(150)}` },
  ];
  const result = await outcomes(items);
  expect(result.map(({ id, duplicate_of }) => [id, duplicate_of])).toEqual([
    ['original', null],
    ['other', null],
    ['shouted', 'original'],
    ['longer', 'original'],
    ['half', null],
  ]);
  expect(result[2].jaccard).toBe(1);
  // 296 of 301 shingles
  expect(result[3].jaccard).toBeGreaterThan(0.93);
  expect(result[4].jaccard).toBeNull();
});

test('more texts than one window holds', async () => {
  const texts = Array.from({ length: 1100 }, () => prose(10));
  const items = [...texts, texts[0], texts[1099]].map((text, index) => ({ id: String(index), text }));
  const result = await outcomes(items);
  expect(result).toHaveLength(1102);
  expect(result.filter(({ duplicate_of }) => duplicate_of !== null)).toEqual([
    { id: '1100', duplicate_of: '0', jaccard: 1 },
    { id: '1101', duplicate_of: '1099', jaccard: 1 },
  ]);
});

describe('threshold', () => {
  // 190 of 210 shingles in common: J = 0.905
  const words = prose(204).split(' ');
  const similar = [...words.slice(0, 194), ...prose(10).split(' ')];
  const items = [
    { id: 'a', text: words.join(' ') },
    { id: 'b', text: similar.join(' ') },
  ];

  test.each([
    [0.5, 'a'],
    [0.7, 'a'],
    [0.99, null],
  ])('%f', async (threshold, duplicateOf) => {
    expect((await outcomes(items, { threshold }))[1].duplicate_of).toBe(duplicateOf);
  });

  test.each([[0], [1], [-1], [Number.NaN]])('%f is refused', async (threshold) => {
    await expect(outcomes(items, { threshold })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});

test('no texts, no outcomes', async () => {
  expect(await outcomes([])).toEqual([]);
});
