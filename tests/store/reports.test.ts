import { onTestFinished, beforeAll, afterAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findReport, listReports, parseReport, reportValues } from '../../src/store/query/reports.js';
import { QuerySession } from '../../src/store/query/session.js';
import { sampleWorkspace } from './sample-workspace.js';
import { failure } from './support.js';

let folder: string;
let session: QuerySession;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-reports-'));
  const { root } = await sampleWorkspace(folder);
  session = await QuerySession.open({ workspace: root, threads: 1 });
});

afterAll(async () => {
  await session.close();
  await rm(folder, { recursive: true, force: true });
});

async function rows(name: string, set: Record<string, unknown> = {}): Promise<Record<string, unknown>[]> {
  const report = await findReport(name);
  const parts: string[] = [];
  const request = { sql: report.sql, format: 'json', parameters: reportValues(report, set) } as const;
  for await (const part of session.query(request)) parts.push(String(part));
  return JSON.parse(parts.join('')) as Record<string, unknown>[];
}

async function table(name: string, set: Record<string, unknown> = {}): Promise<unknown[][]> {
  return (await rows(name, set)).map((row) => Object.values(row));
}

// The sample has 100 documents: of each four the even ones are kept, with ordinal + 1 tokens; the second is too short
// and the fourth a copy of the first.
describe('the reports', () => {
  it('all run with their defaults, and every parameter has an effect on the statement', async () => {
    const reports = await listReports();
    expect(reports.map(({ name }) => name)).toEqual([
      'bad-records',
      'commits',
      'domains',
      'duplicates',
      'funnel',
      'languages',
      'lineage',
      'reasons',
      'shards',
      'sources',
      'tokens',
      'training-shards',
      'training',
    ]);
    for (const report of reports) {
      for (const { name } of report.parameters) expect(report.sql).toContain(`$${name}`);
      await expect(rows(report.name)).resolves.toBeInstanceOf(Array);
    }
  });

  it('funnel: by stage and rule, in the order of the policy', async () => {
    expect(await table('funnel')).toEqual([
      ['crawl', 'seen', null, 0, 100, 100, null],
      ['crawl', 'policy', 'too_few_words', 25, 75, 75, null],
      ['crawl', 'policy', 'too_many_words', 0, 75, 75, null],
      ['crawl', 'deduplication', 'near_duplicate', 25, 50, 50, null],
      ['crawl', 'kept', null, 0, 50, 50, 2500],
    ]);
    expect(await table('funnel', { dataset: 'other' })).toEqual([]);
  });

  it('reasons, with the values measured', async () => {
    expect(await table('reasons')).toEqual([
      ['crawl', 'near_duplicate', 25, 50, null, null, null, 'doc3'],
      ['crawl', 'too_few_words', 25, 50, 1, 49, 97, 'doc1'],
    ]);
  });

  it('languages and domains', async () => {
    // Every fifth is German: 0, 5, ..., 95; of these the ten even ones are kept, with 1 + 11 + ... + 91 tokens.
    expect(await table('languages')).toEqual([
      ['crawl', 'en', 80, 40, 50, 2040, 0.9],
      ['crawl', 'de', 20, 10, 50, 460, 0.9],
    ]);
    expect(await table('domains', { dataset: 'crawl' })).toEqual([
      ['crawl', 'b.example', 75, 25, 33.33, 1275],
      ['crawl', 'a.example', 25, 25, 100, 1225],
    ]);
  });

  it('duplicates: the largest clusters', async () => {
    expect(await table('duplicates')).toEqual([
      ['crawl', 'doc0', 25, 0.9, 0, 1, 's.warc', 0, 90, 'https://a.example/0', 'keep'],
    ]);
  });

  it('commits, tokens, shards, sources', async () => {
    expect(await table('commits')).toEqual([
      ['crawl', 1, 60, 60, 30, 30, 15, 0, 900, 60, 60, 30, 900, 50],
      ['crawl', 2, 40, 40, 20, 20, 10, 0, 1600, 100, 100, 50, 2500, 50],
    ]);
    // 1; 3; 5 and 7; 9 to 15; 17 to 31; 33 to 63; 65 to 99: sums of odd numbers are differences of squares.
    expect((await table('tokens')).map((row) => row.slice(1, 5))).toEqual([
      [1, 2, 1, 1],
      [2, 4, 1, 3],
      [4, 8, 2, 12],
      [8, 16, 4, 48],
      [16, 32, 8, 192],
      [32, 64, 16, 768],
      [64, 128, 18, 1476],
    ]);
    expect(await table('shards')).toEqual([
      ['crawl', 'train-000001', 'train', 10, 100, 99, 1, 'ready', 0, null, null],
      ['crawl', 'train-000002', 'train', 10, 100, 99, 2, null, null, null, null],
    ]);
    expect(await table('sources')).toEqual([
      ['crawl', 's.warc', 'warc', 1_000_000, false, 100, 100, 0, 0, 0],
    ]);
  });

  it('training: the curve in as many points as asked', async () => {
    expect(await table('training', { points: 2 })).toEqual([
      ['first', 2, 128, 3.5, null, null, 0.1, 9],
      ['first', 4, 256, 1.5, null, null, 0.1, 9],
    ]);
    expect(await table('training', { run: 'other' })).toEqual([]);
  });

  it('training-shards: what was read of each shard, and what of it again', async () => {
    expect(await table('training-shards')).toEqual([
      ['first', 'crawl', 'train-000001', 1, 1, 2, 100, 100, 0],
      // Tokens 0 to 20, then 10 to 70.
      ['first', 'crawl', 'train-000002', 1, 2, 3, 80, 100, 10],
    ]);
    expect(await table('training-shards', { run: 'other' })).toEqual([]);
  });

  it('lineage: from the row of a shard to source, offset and length', async () => {
    // Row 3 of the second shard is the fourteenth kept document: ordinal 26.
    expect(await table('lineage', { dataset: 'crawl', shard: 'train-000002', row: 3 })).toEqual([
      ['train-000002', 3, 'doc26', 27, 's.warc', 's.warc', 'file', 2600, 90, 'https://b.example/26'],
    ]);
    expect(await rows('lineage', { dataset: 'crawl' })).toHaveLength(20);
    expect(await rows('lineage', { dataset: 'crawl', limit: 5 })).toHaveLength(5);
  });
});

describe('parameters', () => {
  it('are given as text or as what they are', async () => {
    const report = await findReport('domains');
    expect(reportValues(report, {})).toEqual({ dataset: '', limit: 50 });
    expect(reportValues(report, { limit: '7' })).toEqual({ dataset: '', limit: 7 });
    expect(reportValues(report, { limit: 7, dataset: 'x' })).toEqual({ dataset: 'x', limit: 7 });
    for (const [set, message] of [
      [{ limit: 'many' }, 'limit of report domains must be: integer'],
      [{ limit: 1.5 }, 'limit of report domains must be: integer'],
      [{ dataset: 5 }, 'dataset of report domains must be: text'],
      [{ other: 1 }, 'report domains has no parameter other'],
    ] as const) {
      const error = await failure(() => reportValues(report, set));
      expect([error.code, error.message]).toEqual(['USAGE', message]);
    }
    expect((await failure(findReport('nothing'))).hint).toContain('bad-records, commits');
  });

  it('cannot change the statement', async () => {
    expect(await table('funnel', { dataset: `' OR 1 = 1 --` })).toEqual([]);
  });

  it.each([
    ['no title', '-- doc: d\nSELECT 1'],
    ['two docs', '-- title: t\n-- doc: d\n-- doc: e\nSELECT 1'],
    ['an unknown type', '-- title: t\n-- doc: d\n-- param a date x doc\nSELECT $a'],
    ['a default of another type', `-- title: t\n-- doc: d\n-- param a integer 'x' doc\nSELECT $a`],
    ['no description', '-- title: t\n-- doc: d\n-- param a integer 1\nSELECT $a'],
  ])('a header is refused with %s', async (_, sql) => {
    expect((await failure(() => parseReport('x', sql))).code).toBe('INTERNAL');
  });
});

it('a policy with comments, quotes and thresholds has its rules in order', async () => {
  const other = await mkdtemp(join(tmpdir(), 'tokenmill-rules-'));
  onTestFinished(() => rm(other, { recursive: true, force: true }));
  const workspace = await sampleWorkspace(other);
  const sql = `-- a policy; of two rules
SET VARIABLE a = 'x;--'; -- it's one
SELECT ordinal, /* ; */ drop_if(n < 1, n) AS "Rule; one", drop_if(n > getvariable('a'), n) AS two -- last;
FROM signals;
`;
  await workspace.createDataset('another', { policy: { sql } });
  const opened = await QuerySession.open({ workspace: other, dataset: 'another', threads: 1 });
  onTestFinished(() => opened.close());
  let text = '';
  for await (const part of opened.query({ sql: 'FROM rules', format: 'ndjson' })) text += String(part);
  expect(text).toBe(
    '{"dataset":"another","position":1,"rule":"Rule; one"}\n{"dataset":"another","position":2,"rule":"two"}\n',
  );
});
