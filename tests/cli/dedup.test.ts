/** The commands below `tokenmill dedup` as processes, on inputs whose result was worked out by hand. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { tokenmill } from '../support/cli.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-dedup-'));
});

async function fileOf(name: string, documents: readonly { id: string; text: string }[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, documents.map((document) => `${JSON.stringify(document)}\n`).join(''));
  return path;
}

const lines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

describe('dedup lines', () => {
  const A = { id: 'a', text: 'first line of it\nshared line here\nonly in a' };
  const B = { id: 'b', text: 'shared line here\nonly in b' };

  test('keeps the first of each, or drops all that are repeated', async () => {
    const input = await fileOf('lines.jsonl', [A, B]);
    const first = await tokenmill(['dedup', 'lines', input]);
    expect(first.status).toBe(0);
    expect(lines(first.stdout)).toEqual([
      { ...A, removed: 0 },
      { id: 'b', text: 'only in b', removed: 1 },
    ]);
    const out = join(folder, 'clean.jsonl');
    const all = await tokenmill(['dedup', 'lines', input, '--mode', 'drop-all', '--out', out]);
    expect(all).toMatchObject({ status: 0, stdout: '' });
    expect(all.stderr).toContain('2 of 5 lines taken out of 2 documents');
    expect(lines(await readFile(out, 'utf8'))).toEqual([
      { id: 'a', text: 'first line of it\nonly in a', removed: 1 },
      { id: 'b', text: 'only in b', removed: 1 },
    ]);
  });

  test('a file that is not there, and a way that does not exist', async () => {
    const missing = await tokenmill(['dedup', 'lines', join(folder, 'missing.jsonl')]);
    expect(missing).toMatchObject({ status: 1, stdout: '' });
    expect(missing.stderr).toContain('FILE_NOT_FOUND');
    const input = await fileOf('lines.jsonl', [A, B]);
    expect(await tokenmill(['dedup', 'lines', input, '--mode', 'none'])).toMatchObject({ status: 2 });
  });
});

test('dedup ngrams leaves out what has been seen, and says how sure it is', async () => {
  const words = (letter: string): string => Array.from({ length: 40 }, (_, i) => letter + i).join(' ');
  const A = { id: 'a', text: `${words('w')}\n${words('v')}` };
  const input = await fileOf('ngrams.jsonl', [A, { id: 'b', text: words('v') }]);
  const { status, stdout, stderr } = await tokenmill(['dedup', 'ngrams', input, '--expected', '1000']);
  expect(status).toBe(0);
  expect(lines(stdout)).toEqual([{ ...A, removed: 0, seen: 0 }]);
  // 40 words have 28 runs of 13.
  expect(stderr).toMatch(/at most 56 n-grams, false-positive rate/);
});

test('dedup plan gives the S-curve 1 - (1 - s^r)^b', async () => {
  const { status, stdout } = await tokenmill(['dedup', 'plan', '--threshold', '0.8', '--json']);
  expect(status).toBe(0);
  const plan = JSON.parse(stdout) as {
    bands: number;
    rows: number;
    curve: { jaccard: number; probability: number }[];
  };
  expect(plan.curve.length).toBeGreaterThan(10);
  for (const { jaccard, probability } of plan.curve) {
    expect(probability).toBeCloseTo(1 - (1 - jaccard ** plan.rows) ** plan.bands, 12);
  }
  expect(await tokenmill(['dedup', 'plan', '--threshold', '1.5'])).toMatchObject({ status: 2 });
});

test('dedup clusters and check, over a dataset', async () => {
  const text = 'the same text of some words twice';
  const input = await fileOf('crawl.jsonl', [
    { id: 'a', text },
    { id: 'b', text },
    { id: 'c', text: 'another one that nobody repeats here' },
  ]);
  const dataset = ['--workspace', join(folder, 'workspace'), '--dataset', 'd'];
  const how = ['--policy', 'keep-all', '--tokenizer', 'gpt2', '--workers', '1'];
  expect(await tokenmill(['ingest', input, ...dataset, ...how])).toMatchObject({ status: 0 });
  const { stdout } = await tokenmill(['dedup', 'clusters', ...dataset, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({
    clusters: 1,
    documents: 2,
    sizes: [{ size: 2, clusters: 1 }],
    largest: [{ size: 2, documents: [{ verdict: 'keep' }, { verdict: 'drop', jaccard: 1 }] }],
  });
  const check = await tokenmill(['dedup', 'check', ...dataset]);
  expect(check.status).toBe(0);
  expect(check.stdout + check.stderr).toContain('1 duplicates, the same as by ingest');
});
