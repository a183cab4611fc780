import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Random } from '../../../src/core/random.js';
import { dedupBatch } from '../../../src/filters/dedup/batch.js';
import { DedupIndex, type DedupDocument, type Duplicate } from '../../../src/filters/dedup/dedup-index.js';
import {
  appendSignatures,
  createSignatureTable,
  readSignatures,
  writeSignatures,
} from '../../../src/filters/dedup/signatures.js';
import { openDatabase, type Database } from '../../../src/store/database.js';
import { signatureColumns } from '../../../src/store/schema.js';

const ROWS = 4;

/** Exact similarity of two sets, by definition. */
function jaccardOf(a: BigUint64Array, b: BigUint64Array): number {
  const union = new Set([...a, ...b]);
  return [...a].filter((item) => b.includes(item)).length / union.size;
}

/** The rule, word for word: looks at every pair. */
function bruteForce(documents: readonly DedupDocument[], verify?: number): Duplicate[] {
  return documents.flatMap((document, index) => {
    const earlier = documents.slice(0, index);
    const same = (hash: 'textHash' | 'payloadHash' | 'urlHash'): DedupDocument | undefined =>
      earlier.find((other) => typeof document[hash] === 'string' && other[hash] === document[hash]);
    const firsts = [...document.bands].map((band) => earlier.find(({ bands }) => bands.includes(band)));
    const near = earlier.find(
      (other) =>
        firsts.includes(other) &&
        (verify === undefined ||
          jaccardOf(document.shingles as BigUint64Array, other.shingles as BigUint64Array) >= verify),
    );
    const [reason, original] = (
      [
        ['exact_duplicate', same('textHash')],
        ['payload_duplicate', same('payloadHash')],
        ['url_duplicate', same('urlHash')],
        ['near_duplicate', near],
      ] as const
    ).find(([, found]) => found !== undefined) ?? ['near_duplicate', undefined];
    if (original === undefined) return [];
    const equal = document.minhashes.filter((value, i) => value === original.minhashes[i]).length;
    const estimated =
      verify === undefined
        ? equal / document.minhashes.length
        : jaccardOf(document.shingles as BigUint64Array, original.shingles as BigUint64Array);
    return [
      {
        ordinal: document.ordinal,
        reason,
        duplicateOfOrdinal: original.ordinal,
        duplicateOf: original.id,
        jaccard: reason === 'near_duplicate' ? estimated : 1,
      },
    ];
  });
}

let database: Database;
let folder: string;
let folders = 0;

beforeAll(async () => {
  database = await openDatabase({ threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'tokenmill-test-'));
});

afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const newFolder = (): string => join(folder, `index-${folders++}`);

const open = (path: string, verify?: number, documents?: number): Promise<DedupIndex> =>
  DedupIndex.open({ folder: path, permutations: ROWS, verify, documents, memory: 1 });

/** Cuts documents into windows: a window ends behind document i where `cuts[i]`. */
function cut(documents: readonly DedupDocument[], cuts: readonly boolean[]): DedupDocument[][] {
  const windows: DedupDocument[][] = [[]];
  documents.forEach((document, i) => {
    windows[windows.length - 1].push(document);
    if (cuts[i]) windows.push([]);
  });
  return windows;
}

const hash = (letter: string | null): string | null => letter?.repeat(32) ?? null;
const letterOf = (letters: string): fc.Arbitrary<string | null> =>
  fc.option(fc.constantFrom(...letters), { nil: null });

/** Few different values, so that chains, ties and collisions across bands are common. */
const documentsOf = fc
  .array(
    fc.record({
      text: letterOf('01234'),
      payload: letterOf('56789'),
      url: letterOf('abcdef'),
      rows: fc.array(fc.nat(9), { minLength: ROWS, maxLength: ROWS }),
      shingles: fc.uniqueArray(fc.bigInt(0n, 5n), { minLength: 1 }),
      gap: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 12 },
  )
  .map((items): DedupDocument[] => {
    let ordinal = -1;
    return items.map(({ text, payload, url, rows, shingles, gap }) => {
      ordinal += gap;
      return {
        ordinal,
        id: `dóc-${ordinal}`,
        textHash: hash(text),
        payloadHash: hash(payload),
        urlHash: hash(url),
        bands: BigUint64Array.from(rows, (row, band) => 2n ** 63n + BigInt(band * 100 + row)),
        minhashes: Uint32Array.from(rows),
        shingles: BigUint64Array.from(shingles).sort(),
      };
    });
  });

const cutsOf = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 });
const verifyOf = fc.constantFrom(undefined, 0.3, 0.6);

async function fill(table: string, documents: readonly DedupDocument[]): Promise<void> {
  await createSignatureTable(database.connection, table);
  await appendSignatures(database.connection, table, documents);
}

describe('the first-wins rule gives what looking at every pair gives', () => {
  test('for any windows, on disk or in memory, in one process or several', async () => {
    await fc.assert(
      fc.asyncProperty(documentsOf, cutsOf, cutsOf, verifyOf, async (documents, cuts, ends, verify) => {
        const expected = bruteForce(documents, verify);
        for (const windows of [[documents], documents.map((one) => [one]), cut(documents, cuts)]) {
          const path = newFolder();
          let index = await open(path, verify);
          const found: Duplicate[] = [];
          let done = 0;
          for (const [i, window] of windows.entries()) {
            found.push(...index.resolve(window));
            done += window.length;
            if (!ends[i]) continue;
            await index.flush();
            index.close();
            index = await open(path, verify, done);
            expect(index.covered).toBe(done);
          }
          index.close();
          expect(found).toEqual(expected);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('for 1,500 documents in windows of 10, 1,000 and all, over 1, 2 and 5 ingests, as the batch has it', async () => {
    const random = new Random(11);
    const documents = Array.from({ length: 1500 }, (_, ordinal): DedupDocument => {
      const rows = Array.from({ length: ROWS }, () => random.below(2500));
      return {
        ordinal,
        id: `doc-${ordinal}`,
        textHash: hash(random.below(10) === 0 ? '01234567'[random.below(8)] : null),
        payloadHash: null,
        urlHash: null,
        bands: BigUint64Array.from(rows, (row, band) => BigInt(band * 10_000 + row)),
        minhashes: Uint32Array.from(rows),
        shingles: BigUint64Array.of(BigInt(ordinal)),
      };
    });
    await fill('signatures', documents);
    const expected = await dedupBatch(database.connection, { source: 'signatures' });
    expect(expected.length).toBeGreaterThan(500);
    expect(expected.length).toBeLessThan(1400);
    for (const size of [10, 1000, documents.length]) {
      for (const ingests of [1, 2, 5]) {
        const path = newFolder();
        const found: Duplicate[] = [];
        for (let ingest = 0; ingest < ingests; ingest++) {
          const [from, to] = [ingest, ingest + 1].map((part) => Math.floor((part * 1500) / ingests));
          const index = await open(path, undefined, from);
          for (let start = from; start < to; start += size) {
            found.push(...index.resolve(documents.slice(start, Math.min(start + size, to))));
          }
          await index.flush();
          index.close();
        }
        expect(found).toEqual(expected);
      }
    }
  });

  test('as a batch over all signatures, and partitioned by keys', async () => {
    await fc.assert(
      fc.asyncProperty(
        documentsOf,
        verifyOf,
        fc.integer({ min: 2, max: 5 }),
        async (documents, verify, partitions) => {
          await fill('signatures', documents);
          const expected = bruteForce(documents, verify);
          const { connection } = database;
          expect(await dedupBatch(connection, { source: 'signatures', verify })).toEqual(expected);
          expect(await dedupBatch(connection, { source: 'signatures', verify, partitions })).toEqual(
            expected,
          );
        },
      ),
      { numRuns: 25 },
    );
  });

  test('with an index that is lost, or behind or ahead of what counts, and the signature files', async () => {
    await fc.assert(
      fc.asyncProperty(
        documentsOf,
        fc.nat(12),
        fc.nat(12),
        verifyOf,
        async (documents, one, other, verify) => {
          const [flushed, committed] = [one, other].map((end) => Math.min(end, documents.length));
          const path = newFolder();
          const before = await open(path, verify);
          before.load(documents.slice(0, flushed));
          await before.flush();
          // Never flushed, as if the process had been killed here.
          before.load(documents.slice(flushed));
          before.close();

          const file = join(folder, "it's.parquet");
          await fill('committed', documents.slice(0, committed));
          await writeSignatures(database.connection, 'committed', file);
          const index = await open(path, verify, committed);
          expect(index.covered).toBe(flushed <= committed ? flushed : 0);
          for await (const rest of readSignatures(database.connection, file, index.covered)) index.load(rest);
          expect(index.size).toBe(committed);
          const rest = documents.slice(committed);
          const found = index.resolve(rest);
          index.close();
          expect(found).toEqual(
            bruteForce(documents, verify).filter(({ ordinal }) =>
              rest.some((one) => one.ordinal === ordinal),
            ),
          );
        },
      ),
      { numRuns: 25 },
    );
  });
});

const document = (ordinal: number, text: string, rows: number[], shingles: bigint[] = []): DedupDocument => ({
  ordinal,
  id: `doc-${ordinal}`,
  textHash: hash(text),
  bands: BigUint64Array.from(rows, (row, band) => BigInt(band * 100 + row)),
  minhashes: Uint32Array.from(rows),
  shingles: BigUint64Array.from(shingles),
});

async function duplicates(documents: readonly DedupDocument[], verify?: number): Promise<Duplicate[]> {
  const index = await open(newFolder(), verify);
  const found = index.resolve(documents);
  index.close();
  return found;
}

describe('by hand', () => {
  test('a duplicate counts as an earlier document although it was dropped itself', async () => {
    // c shares a band with b only, and b is a duplicate of a
    const documents = [
      document(0, 'a', [1, 2, 3, 4]),
      document(1, 'b', [1, 9, 9, 9]),
      document(2, 'c', [8, 9, 8, 8]),
    ];
    expect(await duplicates(documents)).toEqual([
      { ordinal: 1, reason: 'near_duplicate', duplicateOfOrdinal: 0, duplicateOf: 'doc-0', jaccard: 0.25 },
      { ordinal: 2, reason: 'near_duplicate', duplicateOfOrdinal: 1, duplicateOf: 'doc-1', jaccard: 0.25 },
    ]);
  });

  test('the same text wins over an earlier document with a shared band', async () => {
    const documents = [
      document(0, 'a', [1, 2, 3, 4]),
      document(1, 'b', [5, 6, 7, 8]),
      document(2, 'b', [1, 6, 7, 8]),
    ];
    expect(await duplicates(documents)).toEqual([
      { ordinal: 2, reason: 'exact_duplicate', duplicateOfOrdinal: 1, duplicateOf: 'doc-1', jaccard: 1 },
    ]);
  });

  test('of several originals the earliest is named', async () => {
    const documents = [
      document(0, 'a', [1, 2, 3, 4]),
      document(1, 'b', [5, 6, 7, 8]),
      document(2, 'c', [9, 6, 7, 4]),
    ];
    expect((await duplicates(documents))[0]).toMatchObject({ ordinal: 2, duplicateOf: 'doc-0' });
  });

  test('verified, a candidate below the threshold is passed over for the next', async () => {
    const documents = [
      document(0, 'a', [1, 2, 3, 4], [1n, 2n]),
      document(1, 'b', [5, 6, 7, 8], [3n, 4n, 5n]),
      document(2, 'c', [1, 6, 9, 9], [3n, 4n, 5n, 6n]),
      document(3, 'd', [1, 0, 0, 0], [7n]),
    ];
    expect(await duplicates(documents, 0.75)).toEqual([
      { ordinal: 2, reason: 'near_duplicate', duplicateOfOrdinal: 1, duplicateOf: 'doc-1', jaccard: 0.75 },
    ]);
    expect(await duplicates(documents, 0.76)).toEqual([]);
  });

  test('verified, only the first holder of a band is a candidate', async () => {
    const documents = [
      document(0, 'a', [1, 2, 3, 4], [1n]),
      document(1, 'b', [1, 6, 7, 8], [5n]),
      document(2, 'c', [1, 9, 9, 9], [5n]),
    ];
    expect(await duplicates(documents, 0.5)).toEqual([]);
  });

  test('nothing shared, nothing dropped; no documents are fine', async () => {
    expect(await duplicates([document(0, 'a', [1, 2, 3, 4]), document(1, 'b', [5, 6, 7, 8])])).toEqual([]);
    expect(await duplicates([])).toEqual([]);
  });
});

test('an index of other parameters, or a damaged one, is made anew', async () => {
  const path = newFolder();
  const first = await open(path);
  first.load([document(0, 'a', [1, 2, 3, 4])]);
  await first.flush();
  first.close();
  const other = await DedupIndex.open({ folder: path, permutations: 8, documents: 1 });
  expect(other.covered).toBe(0);
  other.load([document(0, 'a', [1, 2, 3, 4, 5, 6, 7, 8])]);
  await other.flush();
  other.close();
  rmSync(join(path, 'names.bin'));
  const damaged = await DedupIndex.open({ folder: path, permutations: 8, documents: 1 });
  expect(damaged.covered).toBe(0);
  damaged.close();
  expect(readdirSync(path).filter((name) => name.endsWith('.run'))).toEqual([]);
});

test('a signatures file has the documented columns, in order of the documents', async () => {
  await fill('committed', [document(7, 'b', [1, 2, 3, 4]), document(3, 'a', [5, 6, 7, 8])]);
  const path = join(folder, 'signatures.parquet');
  await writeSignatures(database.connection, 'committed', path);
  const result = await database.connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`);
  expect(result.columnNames()).toEqual(signatureColumns.map(({ name }) => name));
  expect(result.columnTypes().map(String)).toEqual(signatureColumns.map(({ type }) => type));
  expect(result.getRows().map(([ordinal]) => ordinal)).toEqual([3n, 7n]);
});
