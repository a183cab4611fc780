import { describe, expect, test } from 'vitest';
import { clusterSizes, findClusters } from '../../../src/filters/dedup/clusters.js';
import { diffTexts, renderDiff } from '../../../src/filters/dedup/side-by-side.js';
import { appendSignatures, createSignatureTable } from '../../../src/filters/dedup/signatures.js';
import { openDatabase } from '../../../src/store/database.js';

describe('clusters', () => {
  test('connects through any key and any number of steps', async () => {
    const database = await openDatabase({ threads: 1 });
    // 0-1 by a band, 1-3 by another, 3-6 by text; 2-5 by a band; 4 and 7 by nothing.
    const rows: [number, string, bigint[]][] = [
      [0, 'a', [10n, 20n]],
      [1, 'b', [10n, 21n]],
      [2, 'c', [11n, 22n]],
      [3, 'd', [12n, 21n]],
      [4, 'e', [13n, 23n]],
      [5, 'f', [11n, 24n]],
      [6, 'd', [14n, 25n]],
      [7, 'g', [15n, 26n]],
    ];
    await createSignatureTable(database.connection, 'signatures');
    await appendSignatures(
      database.connection,
      'signatures',
      rows.map(([ordinal, text, bands]) => ({
        ordinal,
        id: `doc-${ordinal}`,
        textHash: text.charCodeAt(0).toString(16).padStart(32, '0').split('').reverse().join(''),
        bands: BigUint64Array.from(bands),
        minhashes: Uint32Array.of(0),
      })),
    );
    for (const partitions of [1, 3]) {
      const clusters = await findClusters(database.connection, 'signatures', partitions);
      expect(clusters).toEqual([{ ordinals: [0, 1, 3, 6] }, { ordinals: [2, 5] }]);
      expect(clusterSizes(clusters)).toEqual([
        { size: 2, clusters: 1 },
        { size: 4, clusters: 1 },
      ]);
    }
    database.close();
  });
});

describe('side by side', () => {
  test('what is the same, changed, and in one only', () => {
    const left = 'One is first. Two is old. Three stays. Four goes. Five ends.';
    const right = 'One is first. Two is new. Three stays. Five ends. Six comes.';
    expect(diffTexts(left, right)).toEqual([
      { kind: 'same', left: 'One is first.', right: 'One is first.' },
      { kind: 'changed', left: 'Two is old.', right: 'Two is new.' },
      { kind: 'same', left: 'Three stays.', right: 'Three stays.' },
      { kind: 'left', left: 'Four goes.', right: '' },
      { kind: 'same', left: 'Five ends.', right: 'Five ends.' },
      { kind: 'right', left: '', right: 'Six comes.' },
    ]);
  });

  test('columns are filled word by word, and long words cut', () => {
    expect(renderDiff(diffTexts('The old bridge stands.', 'The new bridge stands.'), 29)).toBe(
      'The old       | The new\nbridge        | bridge\nstands.       | stands.\n',
    );
    expect(renderDiff([{ kind: 'left', left: 'abcdefghijklmnop', right: '' }], 23)).toBe(
      'abcdefghij <\nklmnop     <\n',
    );
  });

  test('equal texts, and empty ones', () => {
    expect(diffTexts('A. B.', 'A. B.').every(({ kind }) => kind === 'same')).toBe(true);
    expect(diffTexts('', '')).toEqual([]);
    expect(diffTexts('', 'A.')).toEqual([{ kind: 'right', left: '', right: 'A.' }]);
  });

  test('of very long texts the part beyond the limit is shown as different, without cost', () => {
    const long = (word: string): string =>
      Array.from({ length: 30_000 }, (_, i) => `${word} ${i}.`).join(' ');
    const rows = diffTexts(long('a'), long('b'));
    expect(rows).toHaveLength(30_000);
    expect(rows.every(({ kind }) => kind === 'changed')).toBe(true);
  });
});
