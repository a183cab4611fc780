import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../src/core/paths.js';
import { loadPolicy } from '../../src/filters/policy.js';
import { SIGNALS } from '../../src/filters/signals/index.js';
import { ingest } from '../../src/ingest/ingest.js';
import { ingestOptionsSchema } from '../../src/ingest/options.js';
import { reapplyPolicy, type ReapplySummary } from '../../src/ingest/reapply.js';
import { expandInputs } from '../../src/ingest/sources/expand.js';
import { openDatabase } from '../../src/store/database.js';
import { createViews } from '../../src/store/views.js';
import { Workspace } from '../../src/store/workspace.js';
import { makeTokenizer } from '../support/tokenizer.js';

/** Places in decompressed content, and in the file. */
const INPUTS = ['articles.jsonl.gz', 'pages-02.warc'];

let folder: string;
let workspace: Workspace;
let tokenizer: string;

async function bring(dataset: string, policy: string, more: Record<string, unknown> = {}): Promise<void> {
  const { sources } = await expandInputs(INPUTS.map((name) => join(PACKAGE_ROOT, 'fixtures/crawl', name)));
  const options = ingestOptionsSchema.parse({
    dataset,
    policy,
    tokenizer,
    shardTokens: 20_000,
    workers: 1,
    window: 200_000,
    ...more,
  });
  await ingest(sources, options, { workspace, log: () => undefined });
}

async function reapply(from: string, into: string, policy: string): Promise<ReapplySummary> {
  return reapplyPolicy(
    { from, into, policy: await loadPolicy(policy), set: {}, workers: 1, memory: '256MB' },
    { workspace, log: () => undefined },
  );
}

/** All rows of a dataset's documents, without its name. */
async function documents(dataset: string): Promise<unknown[]> {
  const database = await openDatabase({ threads: 1 });
  try {
    await createViews(database.connection, workspace, { dataset, signals: SIGNALS });
    const rows = await database.connection.runAndReadAll(
      'SELECT * EXCLUDE (dataset) FROM documents ORDER BY ordinal',
    );
    return rows.getRows();
  } finally {
    database.close();
  }
}

/** Rows of a dataset's other views that belong to all of it. */
async function accounts(dataset: string): Promise<unknown[]> {
  const database = await openDatabase({ threads: 1 });
  try {
    await createViews(database.connection, workspace, { dataset, signals: SIGNALS });
    const sql = [
      'SELECT * EXCLUDE (dataset) FROM sources ORDER BY source',
      'SELECT * EXCLUDE (dataset, commit) FROM bad_records ORDER BY ALL',
      'SELECT sum(records), sum(documents), sum(non_documents), sum(kept), sum(dropped), sum(bad), sum(tokens) FROM commits',
    ];
    const results = [];
    for (const query of sql) results.push((await database.connection.runAndReadAll(query)).getRows());
    return results;
  } finally {
    database.close();
  }
}

async function shards(dataset: string): Promise<unknown[]> {
  const database = await openDatabase({ threads: 1 });
  try {
    await createViews(database.connection, workspace, { dataset, signals: SIGNALS });
    const rows = await database.connection.runAndReadAll('SELECT path FROM shards ORDER BY path');
    return await Promise.all(
      rows.getRows().map(async ([path]) => {
        const table = tableFromIPC(await readFile(join(workspace.dataset(dataset).folder, path as string)));
        return [path, table.toArray().map((row) => JSON.stringify(row))];
      }),
    );
  } finally {
    database.close();
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tokenmill-test-'));
  workspace = new Workspace(folder);
  tokenizer = await makeTokenizer(join(folder, 'small'));
  await bring('strict', 'fineweb');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('reapplying a policy gives what an ingest under it gives', () => {
  test('to a policy that keeps more: records are read again', async () => {
    await bring('expected', 'keep-all');
    const summary = await reapply('strict', 'loose', 'keep-all');
    expect(summary.fetched).toBeGreaterThan(0);
    expect(await documents('loose')).toEqual(await documents('expected'));
    expect(await shards('loose')).toEqual(await shards('expected'));
    expect(await accounts('loose')).toEqual(await accounts('expected'));
  });

  test('and back, with texts that are stored', async () => {
    const summary = await reapply('loose', 'back', 'fineweb');
    expect(summary.counts['kept']).toBeGreaterThan(0);
    expect(await documents('back')).toEqual(await documents('strict'));
    expect(await shards('back')).toEqual(await shards('strict'));
  });

  test('again it is complete already', async () => {
    const before = await documents('loose');
    const summary = await reapply('strict', 'loose', 'keep-all');
    expect([summary.commits, summary.fetched]).toEqual([0, 0]);
    expect(await documents('loose')).toEqual(before);
  });
});

test('a dataset that exists with another policy is left alone', async () => {
  await expect(reapply('strict', 'back', 'cs336')).rejects.toMatchObject({ code: 'CONFIG_MISMATCH' });
  await expect(reapply('none', 'new', 'cs336')).rejects.toMatchObject({ code: 'DATASET_NOT_FOUND' });
});

test('texts are treated after they were measured, in ingest and again here', async () => {
  await bring('masked', 'fineweb', { transform: 'c4', mask: 'default,email=<email>' });
  await bring('masked-all', 'keep-all', { transform: 'c4', mask: 'default,email=<email>' });
  await reapply('masked', 'masked-loose', 'keep-all');
  expect(await documents('masked-loose')).toEqual(await documents('masked-all'));
  const signals = async (dataset: string): Promise<unknown[]> =>
    (await documents(dataset)).map((row) => (row as unknown[]).slice(-SIGNALS.length));
  expect(await signals('masked-all')).toEqual(await signals('loose'));
});
