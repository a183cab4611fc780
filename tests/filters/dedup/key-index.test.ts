import { mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { BloomFilter } from '../../../src/filters/dedup/bloom-filter.js';
import { KeyIndex } from '../../../src/filters/dedup/key-index.js';
import { KeyRun, writeRun } from '../../../src/filters/dedup/key-run.js';

const folder = mkdtempSync(join(tmpdir(), 'tokenmill-keys-'));
let folders = 0;
const newFolder = (): string => join(folder, String(folders++));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runsOf = (path: string): string[] =>
  readdirSync(path)
    .filter((name) => name.endsWith('.run'))
    .sort();

describe('the first value of a key stays', () => {
  /** Keys that often agree in one half, also at the ends of its range. */
  const half = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff, 0x80000000, 0xffffffff), fc.nat(30));
  const stepOf = fc.oneof(
    { weight: 12, arbitrary: fc.record({ low: half, high: half }) },
    { weight: 3, arbitrary: fc.constant('flush' as const) },
    { weight: 1, arbitrary: fc.constant('reopen' as const) },
    { weight: 1, arbitrary: fc.constant('compact' as const) },
  );

  test('whatever is flushed, merged and opened again in between', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepOf, { maxLength: 60 }), async (steps) => {
        const path = newFolder();
        const model = new Map<string, number>();
        let index = await KeyIndex.open({ folder: path, memory: 1 });
        let next = 0;
        for (const step of steps) {
          if (step === 'flush') await index.flush(next);
          else if (step === 'compact') await index.compact();
          else if (step === 'reopen') {
            await index.flush(next);
            index.close();
            index = await KeyIndex.open({ folder: path, memory: 1 }, next);
            expect(index.covered).toBe(next);
          } else {
            const key = `${step.low} ${step.high}`;
            const known = model.get(key);
            expect(index.get(step.low, step.high)).toBe(known ?? -1);
            expect(index.first(step.low, step.high, next)).toBe(known ?? next);
            if (known === undefined) model.set(key, next);
            next += 1;
          }
          expect(index.size).toBe(model.size);
        }
        index.close();
      }),
      { numRuns: 40 },
    );
  });

  test('for many keys, over many runs and merges', async () => {
    const path = newFolder();
    const random = new Random(5);
    const index = await KeyIndex.open({ folder: path, memory: 500_000 });
    const KEYS = 60_000;
    const low = Uint32Array.from({ length: KEYS }, () => random.uint32());
    const high = Uint32Array.from({ length: KEYS }, () => random.uint32());
    for (let i = 0; i < KEYS; i++) {
      expect(index.first(low[i], high[i], i)).toBe(i);
      if (!index.isFull()) continue;
      await index.flush(i + 1);
      await index.fitFilter();
    }
    expect(index.size).toBe(KEYS);
    // 23 flushes of 2,604 keys: no more than 3 runs of each of 3 sizes.
    expect(runsOf(path).length).toBeLessThanOrEqual(9);
    for (let i = 0; i < KEYS; i++) {
      if (index.get(low[i], high[i]) !== i) throw new Error(`key ${i} is lost`);
      if (index.get(low[i], high[i] ^ 1) !== -1) throw new Error(`key beside ${i} is found`);
    }
    await index.flush(KEYS);
    await index.compact();
    expect(runsOf(path)).toEqual(['keys-0000000000-0000060000.run']);
    for (let i = 0; i < KEYS; i += 7) expect(index.first(low[i], high[i], KEYS)).toBe(i);
    index.close();
  });
});

describe('what a crash leaves', () => {
  const key = (i: number): [number, number] => [i * 7919, i * 104_729];

  async function filled(path: string, flushes: readonly number[]): Promise<void> {
    const index = await KeyIndex.open({ folder: path, memory: 1 });
    let next = 0;
    for (const end of flushes) {
      for (; next < end; next++) index.first(...key(next), next);
      await index.flush(end);
    }
    index.close();
  }

  test('a merged run beside those that it replaces: the merged one counts, the others go', async () => {
    const path = newFolder();
    await filled(path, [100, 200]);
    const run = (from: number, to: number): string =>
      join(path, `keys-${String(from).padStart(10, '0')}-${String(to).padStart(10, '0')}.run`);
    const range = Array.from({ length: 200 }, (_, i) => i).sort((a, b) => key(a)[1] - key(b)[1]);
    await writeRun(run(0, 200), {
      low: Uint32Array.from(range, (i) => key(i)[0]),
      high: Uint32Array.from(range, (i) => key(i)[1]),
      value: Uint32Array.from(range),
    });
    expect(runsOf(path)).toHaveLength(3);
    const index = await KeyIndex.open({ folder: path, memory: 1 });
    expect(index.covered).toBe(200);
    expect(runsOf(path)).toEqual(['keys-0000000000-0000000200.run']);
    for (let i = 0; i < 200; i++) expect(index.get(...key(i))).toBe(i);
    index.close();
  });

  test('runs beyond what counts, and runs behind a gap, go', async () => {
    const path = newFolder();
    await filled(path, [100, 200, 300]);
    const index = await KeyIndex.open({ folder: path, memory: 1 }, 250);
    expect([index.covered, runsOf(path).length]).toEqual([200, 2]);
    expect(index.get(...key(199))).toBe(199);
    expect(index.get(...key(200))).toBe(-1);
    index.close();
    rmSync(join(path, runsOf(path)[0]));
    const gap = await KeyIndex.open({ folder: path, memory: 1 });
    expect([gap.covered, runsOf(path)]).toEqual([0, []]);
    gap.close();
  });

  test('half a run is told from a whole one', async () => {
    const path = newFolder();
    await filled(path, [1000]);
    const [name] = runsOf(path);
    truncateSync(join(path, name), 6000);
    expect(() => new KeyRun(join(path, name))).toThrow(
      expect.objectContaining({ code: 'INPUT_CORRUPT' }) as Error,
    );
  });
});

describe('the Bloom filter', () => {
  test('forgets nothing, and is wrong as often as it says', () => {
    const random = new Random(3);
    const KEYS = 20_000;
    const filter = BloomFilter.forKeys(KEYS, 0.01);
    // At most 11 bits a key: split blocks need one more than the ideal 9.6.
    expect((filter.bytes * 8) / KEYS).toBeLessThan(11.5);
    const keys = Array.from({ length: KEYS }, () => [random.uint32(), random.uint32()] as const);
    for (const [low, high] of keys) filter.add(low, high);
    expect(keys.every(([low, high]) => filter.has(low, high))).toBe(true);
    const LOOKS = 100_000;
    let wrong = 0;
    for (let i = 0; i < LOOKS; i++) if (filter.has(random.uint32(), random.uint32())) wrong += 1;
    const rate = filter.falsePositiveRate();
    expect(rate).toBeLessThanOrEqual(0.0101);
    expect(Math.abs(wrong / LOOKS - rate)).toBeLessThan(4 * Math.sqrt((rate * (1 - rate)) / LOOKS) + 0.0005);
  });

  test('keeps to a limit of memory, and says what that costs', () => {
    const filter = BloomFilter.forKeys(1_000_000, 0.001, 100_000);
    expect(filter.bytes).toBeLessThanOrEqual(100_000);
    for (let i = 0; i < 1_000_000; i++) filter.add(Math.imul(i, 0x9e3779b1), Math.imul(i, 0x85ebca6b));
    expect(filter.falsePositiveRate()).toBeGreaterThan(0.9);
  });
});
