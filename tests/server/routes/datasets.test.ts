import { cp, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/core/hash.js';
import { rows } from '../../support/dataset.js';
import { crawlWorkspace } from '../crawl.js';
import { testApi, testFolder, type TestApi } from '../support.js';

interface Page<Item> {
  readonly items: Item[];
  readonly next_cursor: string | null;
}

interface Shard {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

let workspace: string;
beforeAll(async () => {
  workspace = await crawlWorkspace();
});

/** All items of a list, `limit` a page. */
async function all<Item>(api: TestApi, path: string, limit: number): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const page: Page<Item> = await api.json('GET', `${path}?limit=${limit}${after}`);
    expect(page.items.length).toBeLessThanOrEqual(limit);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

describe('datasets', () => {
  test('an empty workspace has none', async () => {
    const api = await testApi();
    expect(await api.json('GET', '/v1/datasets')).toEqual({ items: [], next_cursor: null });
  });

  test('the list and the dataset agree with SQL over the commit log', async () => {
    const api = await testApi({ workspace });
    const { items } = await api.json<Page<Record<string, unknown>>>('GET', '/v1/datasets');
    const [counted] = await rows(
      workspace,
      `SELECT sum(documents)::BIGINT AS documents, sum(kept)::BIGINT AS kept, sum(tokens)::BIGINT AS tokens, max(sequence) AS sequence,
        (SELECT count(*) FROM sources) AS sources, (SELECT count(*) FROM shards) AS shards,
        (SELECT sum(bytes)::BIGINT FROM shards) AS shard_bytes FROM commits`,
    );
    expect(items).toEqual([
      {
        name: 'crawl',
        policy: 'gopher',
        pending_tokens: 0,
        tokenizer: { name: 'gpt2', sha256: expect.any(String) },
        ...counted,
      },
    ]);
    const detail = await api.json('GET', '/v1/datasets/crawl');
    expect(detail).toMatchObject(items[0]);
    expect(detail['config']).toEqual(
      JSON.parse(await readFile(join(workspace, 'datasets/crawl/dataset.json'), 'utf8')),
    );
  });

  test('a dataset that does not exist, and a name that none can have', async () => {
    const api = await testApi({ workspace });
    for (const path of ['', '/commits', '/shards', '/shards/train-000001', '/documents', '/documents/00']) {
      const problem = await api.problem('GET', `/v1/datasets/nothing${path}`, 'DATASET_NOT_FOUND');
      expect(problem).toMatchObject({ status: 404, hint: 'the datasets here are: crawl' });
      await api.problem('GET', `/v1/datasets/.hidden${path}`, 'USAGE');
      await api.problem('GET', `/v1/datasets/..%2Fcrawl${path}`, 'USAGE');
    }
  });

  test('commits that come later are seen, and so is a dataset that was replaced', async () => {
    const folder = await testFolder();
    const api = await testApi({ workspace: folder });
    const from = join(workspace, 'datasets/crawl');
    const to = join(folder, 'datasets/crawl');
    await cp(from, to, { recursive: true });
    for (const sequence of [2, 3]) await rm(join(to, `commits/00000000${sequence}.json`));
    expect(await api.json('GET', '/v1/datasets/crawl')).toMatchObject({ sequence: 1 });
    await cp(join(from, 'commits'), join(to, 'commits'), { recursive: true });
    expect(await api.json('GET', '/v1/datasets/crawl')).toMatchObject({ sequence: 3, shards: 4 });
    await rm(to, { recursive: true });
    await api.problem('GET', '/v1/datasets/crawl', 'DATASET_NOT_FOUND');
    await cp(from, to, { recursive: true });
    await rm(join(to, 'commits/000000003.json'));
    expect(await api.json('GET', '/v1/datasets/crawl')).toMatchObject({ sequence: 2 });
  });

  test('a commit that is missing below a later one', async () => {
    const folder = await testFolder();
    await cp(join(workspace, 'datasets'), join(folder, 'datasets'), { recursive: true });
    await rm(join(folder, 'datasets/crawl/commits/000000002.json'));
    const api = await testApi({ workspace: folder });
    await api.problem('GET', '/v1/datasets/crawl', 'DATASET_CORRUPT');
  });
});

describe('commits', () => {
  test('pages of any size give the log in order', async () => {
    const api = await testApi({ workspace });
    for (const limit of [1, 2, 100]) {
      const commits = await all<Record<string, unknown>>(api, '/v1/datasets/crawl/commits', limit);
      expect(commits.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
      for (const commit of commits) {
        const path = `datasets/crawl/commits/00000000${String(commit['sequence'])}.json`;
        const file = JSON.parse(await readFile(join(workspace, path), 'utf8')) as Record<string, unknown[]>;
        expect(commit).toMatchObject({
          files: file['files'],
          counts: file['counts'],
          totals: file['totals'],
        });
        expect(commit['bad_records']).toBe(file['bad_records'].length);
      }
    }
  });

  test.each(['limit=0', 'limit=1001', 'limit=x', 'cursor=x', 'cursor=WyJhIl0'])(
    'refuses %s',
    async (query) => {
      const api = await testApi({ workspace });
      await api.problem('GET', `/v1/datasets/crawl/commits?${query}`, 'USAGE');
    },
  );
});

describe('shards', () => {
  test('the list names the files on disk', async () => {
    const api = await testApi({ workspace });
    const shards = await all<Shard>(api, '/v1/datasets/crawl/shards', 3);
    expect(shards.map(({ name }) => name)).toEqual([
      'train-000001',
      'train-000002',
      'train-000003',
      'valid-000001',
    ]);
    for (const { name, bytes, sha256: digest } of shards) {
      const content = await readFile(join(workspace, `datasets/crawl/shards/${name}.arrow`));
      expect([content.length, sha256(content)]).toEqual([bytes, digest]);
    }
  });

  test('a shard whole, and its headers alone', async () => {
    const api = await testApi({ workspace });
    const content = await readFile(join(workspace, 'datasets/crawl/shards/train-000002.arrow'));
    const path = '/v1/datasets/crawl/shards/train-000002';
    const response = await api.request('GET', path);
    expect(response.status).toBe(200);
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
    const head = await api.request('HEAD', path);
    expect(await head.text()).toBe('');
    for (const { headers } of [response, head]) {
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-length': String(content.length),
        'content-type': 'application/vnd.apache.arrow.file',
        'content-disposition': 'attachment; filename="crawl-train-000002.arrow"',
        'accept-ranges': 'bytes',
        etag: `"${sha256(content)}"`,
      });
    }
  });

  test('ranges, after RFC 9110', async () => {
    const api = await testApi({ workspace });
    const content = await readFile(join(workspace, 'datasets/crawl/shards/train-000001.arrow'));
    const path = '/v1/datasets/crawl/shards/train-000001';
    const size = content.length;
    const get = (headers: Record<string, string>): Promise<Response> => api.request('GET', path, { headers });
    const partial: [string, number, number][] = [
      ['bytes=0-0', 0, 0],
      ['bytes=10-99', 10, 99],
      [`bytes=${size - 5}-`, size - 5, size - 1],
      ['bytes=-7', size - 7, size - 1],
      [`bytes=100-${size + 100}`, 100, size - 1],
      [`bytes=-${size * 2}`, 0, size - 1],
    ];
    for (const [range, start, end] of partial) {
      const response = await get({ range });
      expect([range, response.status]).toEqual([range, 206]);
      expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/${size}`);
      expect(response.headers.get('content-length')).toBe(String(end - start + 1));
      expect(Buffer.from(await response.arrayBuffer()).equals(content.subarray(start, end + 1)), range).toBe(
        true,
      );
    }
    for (const range of ['bytes=9-8', 'bytes=a-b', 'rows=0-1', 'bytes=0-1,5-6', 'bytes=-']) {
      expect([range, (await get({ range })).status]).toEqual([range, 200]);
    }
    for (const range of [`bytes=${size}-`, 'bytes=-0']) {
      const response = await get({ range });
      expect(response.headers.get('content-range')).toBe(`bytes */${size}`);
      expect(await response.json()).toMatchObject({ status: 416, code: 'RANGE_NOT_SATISFIABLE' });
    }
  });

  test('conditions: If-Range and If-None-Match', async () => {
    const api = await testApi({ workspace });
    const path = '/v1/datasets/crawl/shards/train-000001';
    const etag = (await api.request('HEAD', path)).headers.get('etag') as string;
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await api.request('GET', path, { headers })).status;
    expect(await status({ range: 'bytes=0-9', 'if-range': etag })).toBe(206);
    expect(await status({ range: 'bytes=0-9', 'if-range': '"another"' })).toBe(200);
    // Only a strong comparison may join parts.
    expect(await status({ range: 'bytes=0-9', 'if-range': `W/${etag}` })).toBe(200);
    expect(await status({ 'if-none-match': etag })).toBe(304);
    expect(await status({ 'if-none-match': `"a", W/${etag}` })).toBe(304);
    expect(await status({ 'if-none-match': '*' })).toBe(304);
    expect(await status({ 'if-none-match': '"another"' })).toBe(200);
  });

  test('a shard that does not exist, one that is pending, one whose file was cut', async () => {
    const folder = await testFolder();
    await cp(join(workspace, 'datasets'), join(folder, 'datasets'), { recursive: true });
    const shard = join(folder, 'datasets/crawl/shards/train-000001.arrow');
    const api = await testApi({ workspace: folder });
    for (const name of ['train-999999', 'pending-train-000001', '..%2Fdataset.json']) {
      await api.problem('GET', `/v1/datasets/crawl/shards/${name}`, 'SHARD_NOT_FOUND');
    }
    await truncate(shard, 100);
    await api.problem('GET', '/v1/datasets/crawl/shards/train-000001', 'DATASET_CORRUPT');
    await rm(shard);
    await api.problem('GET', '/v1/datasets/crawl/shards/train-000001', 'DATASET_CORRUPT');
  });
});
