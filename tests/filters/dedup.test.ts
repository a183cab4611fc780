import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIGINT, LIST, UBIGINT, UINTEGER, VARCHAR } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DedupIndex, writeSignatures } from '../../src/filters/dedup.js';
import { appendColumns } from '../../src/store/append.js';
import { openDatabase, type Database } from '../../src/store/database.js';

const ROWS = 4;

interface Document {
  readonly ordinal: number;
  readonly id: string;
  readonly textHash: string;
  readonly bands: readonly bigint[];
  readonly minhashes: readonly number[];
}

interface Duplicate {
  readonly ordinal: number;
  readonly reason: string;
  readonly duplicateOfOrdinal: number;
  readonly duplicateOf: string;
  readonly jaccard: number;
}

/** The rule, word for word: looks at every pair. */
function bruteForce(documents: readonly Document[]): Duplicate[] {
  return documents.flatMap((document, index) => {
    const earlier = documents.slice(0, index);
    const exact = earlier.find(({ textHash }) => textHash === document.textHash);
    const near = earlier.find(({ bands }) => bands.some((band) => document.bands.includes(band)));
    const original = exact ?? near;
    if (original === undefined) return [];
    const equal = document.minhashes.filter((value, i) => value === original.minhashes[i]).length;
    return [
      {
        ordinal: document.ordinal,
        reason: exact === undefined ? 'near_duplicate' : 'exact_duplicate',
        duplicateOfOrdinal: original.ordinal,
        duplicateOf: original.id,
        jaccard: exact === undefined ? equal / document.minhashes.length : 1,
      },
    ];
  });
}

let database: Database;
let folder: string;

beforeAll(async () => {
  database = await openDatabase({ threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'tokenmill-test-'));
});

afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

async function fillWindow(table: string, documents: readonly Document[]): Promise<void> {
  await database.connection.run(
    `CREATE OR REPLACE TABLE ${table} (ordinal BIGINT, document_id VARCHAR, text_hash VARCHAR, bands UBIGINT[], minhashes UINTEGER[])`,
  );
  await appendColumns(database.connection, table, [
    { type: BIGINT, values: documents.map(({ ordinal }) => BigInt(ordinal)) },
    { type: VARCHAR, values: documents.map(({ id }) => id) },
    { type: VARCHAR, values: documents.map(({ textHash }) => textHash) },
    { type: LIST(UBIGINT), values: documents.map(({ bands }) => bands) },
    { type: LIST(UINTEGER), values: documents.map(({ minhashes }) => minhashes) },
  ]);
}

/** The duplicates of windows, one after the other, with one index. */
async function resolveWindows(
  index: DedupIndex,
  windows: readonly (readonly Document[])[],
): Promise<Duplicate[]> {
  const found: Duplicate[] = [];
  for (const window of windows) {
    await fillWindow('passing', window);
    await index.resolve({ table: 'passing', duplicatesTable: 'duplicates' });
    const result = await database.connection.runAndReadAll(
      'SELECT ordinal, reason, duplicate_of_ordinal, duplicate_of, jaccard FROM duplicates',
    );
    for (const [ordinal, reason, duplicateOfOrdinal, duplicateOf, jaccard] of result.getRows()) {
      found.push({
        ordinal: Number(ordinal),
        reason: reason as string,
        duplicateOfOrdinal: Number(duplicateOfOrdinal),
        duplicateOf: duplicateOf as string,
        jaccard: jaccard as number,
      });
    }
  }
  return found;
}

/** Cuts documents into windows: a window ends behind document i where `cuts[i]`. */
function cut(documents: readonly Document[], cuts: readonly boolean[]): Document[][] {
  const windows: Document[][] = [[]];
  documents.forEach((document, i) => {
    windows[windows.length - 1].push(document);
    if (cuts[i]) windows.push([]);
  });
  return windows;
}

/** Few different values, so that chains, ties and collisions across bands are common. */
const documentsOf = fc
  .array(
    fc.record({
      textHash: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      rows: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: ROWS, maxLength: ROWS }),
      gap: fc.integer({ min: 1, max: 3 }),
    }),
    { maxLength: 8 },
  )
  .map((items): Document[] => {
    let ordinal = -1;
    return items.map(({ textHash, rows, gap }) => {
      ordinal += gap;
      const bands = rows.map((row, band) => 2n ** 63n + BigInt(band * 100 + row));
      return { ordinal, id: `doc-${ordinal}`, textHash, bands, minhashes: rows };
    });
  });

describe('the first-wins rule', () => {
  test('any window split gives what looking at every pair gives', async () => {
    await fc.assert(
      fc.asyncProperty(
        documentsOf,
        fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
        async (documents, cuts) => {
          const expected = bruteForce(documents);
          for (const windows of [
            [documents],
            documents.map((document) => [document]),
            cut(documents, cuts),
          ]) {
            const index = await DedupIndex.create(database.connection);
            expect(await resolveWindows(index, windows)).toEqual(expected);
          }
        },
      ),
      { seed: 8, numRuns: 12 },
    );
  });

  test('an index loaded from files continues where it ended', async () => {
    await fc.assert(
      fc.asyncProperty(documentsOf, fc.nat(8), fc.nat(8), async (documents, one, other) => {
        const [first, second] = [one, other].sort((a, b) => a - b);
        const paths: string[] = [];
        for (const [start, end] of [
          [0, first],
          [first, second],
        ]) {
          await fillWindow('committed', documents.slice(start, end));
          const path = join(folder, `it's-${paths.length}.parquet`);
          await writeSignatures(database.connection, 'committed', path);
          paths.push(path);
        }
        const index = await DedupIndex.create(database.connection);
        await index.load(paths);
        const rest = documents.slice(second);
        const ordinals = new Set(rest.map(({ ordinal }) => ordinal));
        expect(await resolveWindows(index, [rest])).toEqual(
          bruteForce(documents).filter(({ ordinal }) => ordinals.has(ordinal)),
        );
      }),
      { seed: 9, numRuns: 10 },
    );
  });
});

const document = (ordinal: number, textHash: string, rows: number[]): Document => ({
  ordinal,
  id: `doc-${ordinal}`,
  textHash,
  bands: rows.map((row, band) => BigInt(band * 100 + row)),
  minhashes: rows,
});

describe('by hand', () => {
  test('a duplicate counts as an earlier document although it was dropped itself', async () => {
    // c shares a band with b only, and b is a duplicate of a
    const documents = [
      document(0, 'a', [1, 2, 3, 4]),
      document(1, 'b', [1, 9, 9, 9]),
      document(2, 'c', [8, 9, 8, 8]),
    ];
    const index = await DedupIndex.create(database.connection);
    expect(await resolveWindows(index, [documents])).toEqual([
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
    const index = await DedupIndex.create(database.connection);
    expect(await resolveWindows(index, [documents])).toEqual([
      { ordinal: 2, reason: 'exact_duplicate', duplicateOfOrdinal: 1, duplicateOf: 'doc-1', jaccard: 1 },
    ]);
  });

  test('of several originals the earliest is named', async () => {
    const documents = [
      document(0, 'a', [1, 2, 3, 4]),
      document(1, 'b', [5, 6, 7, 8]),
      document(2, 'c', [9, 6, 7, 4]),
    ];
    const index = await DedupIndex.create(database.connection);
    expect((await resolveWindows(index, [documents]))[0]).toMatchObject({ ordinal: 2, duplicateOf: 'doc-0' });
  });

  test('nothing shared, nothing dropped; an empty window is fine', async () => {
    const index = await DedupIndex.create(database.connection);
    const windows = [[], [document(0, 'a', [1, 2, 3, 4])], [], [document(1, 'b', [5, 6, 7, 8])]];
    expect(await resolveWindows(index, windows)).toEqual([]);
  });
});

test('a signatures file has the documented columns, in order of the documents', async () => {
  await fillWindow('committed', [document(7, 'b', [1, 2, 3, 4]), document(3, 'a', [5, 6, 7, 8])]);
  const path = join(folder, 'signatures.parquet');
  await writeSignatures(database.connection, 'committed', path);
  const result = await database.connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`);
  expect(result.columnNames()).toEqual(['ordinal', 'document_id', 'text_hash', 'bands', 'minhashes']);
  expect(result.columnTypes().map(String)).toEqual([
    'BIGINT',
    'VARCHAR',
    'VARCHAR',
    'UBIGINT[]',
    'UINTEGER[]',
  ]);
  expect(result.getRows().map(([ordinal]) => ordinal)).toEqual([3n, 7n]);
});
