import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { Queue, type QueueItem } from '../../../src/store/queue.js';
import { testApi, type TestApi } from '../support.js';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5);

let api: TestApi;

/** Two datasets: `a` with one entry in each state, `a-b` with one that is ready. */
beforeEach(async () => {
  api = await testApi();
  for (const name of ['a', 'a-b']) await api.workspace.createDataset(name, {});
  const first = await queue('a');
  for (const name of ['done', 'failed', 'leased', 'ready']) await first.enqueue(item(name));
  const lease = async (name: string): ReturnType<Queue['lease']> => first.lease('trainer', name);
  await first.acknowledge((await lease('done'))!);
  await first.fail((await lease('failed'))!, 'its shard is damaged');
  await lease('leased');
  await (await queue('a-b')).enqueue(item('other'));
});

async function queue(dataset: string): Promise<Queue> {
  const opened = new Queue(api.workspace.dataset(dataset).queue, { leaseMs: 60_000, now: () => NOW });
  await opened.init();
  return opened;
}

function item(name: string): QueueItem {
  return { name, shard: `shards/${name}.arrow`, split: 'train', tokens: 7, sha256: 'ab'.repeat(32) };
}

const resting = { attempts: 0, tokens: 7, owner: null, deadline: null, reason: null };
const ENTRIES = [
  { dataset: 'a', name: 'done', state: 'done', ...resting },
  { dataset: 'a', name: 'failed', state: 'failed', ...resting, reason: 'its shard is damaged' },
  {
    dataset: 'a',
    name: 'leased',
    state: 'leased',
    ...resting,
    owner: 'trainer',
    deadline: '2026-01-02T03:05:05.000Z',
  },
  { dataset: 'a', name: 'ready', state: 'ready', ...resting },
  { dataset: 'a-b', name: 'other', state: 'ready', ...resting },
];

describe('the list', () => {
  test('has every entry with its state, whole or in pages', async () => {
    expect(await api.json('GET', '/v1/queue')).toEqual({ items: ENTRIES, next_cursor: null });
    const paged: unknown[] = [];
    for (let query = '?limit=2'; query !== '';) {
      const page = await api.json<{ items: unknown[]; next_cursor: string | null }>(
        'GET',
        `/v1/queue${query}`,
      );
      paged.push(...page.items);
      query = page.next_cursor === null ? '' : `?limit=2&cursor=${page.next_cursor}`;
    }
    expect(paged).toEqual(ENTRIES);
  });

  test('of one dataset, of one state', async () => {
    expect(await api.json('GET', '/v1/queue?dataset=a-b')).toMatchObject({ items: [ENTRIES[4]] });
    expect(await api.json('GET', '/v1/queue?state=ready')).toMatchObject({ items: [ENTRIES[3], ENTRIES[4]] });
    expect(await api.json('GET', '/v1/queue?state=failed&dataset=a-b')).toMatchObject({ items: [] });
  });

  test('shows an entry whose file is damaged', async () => {
    await writeFile(join(api.workspace.dataset('a-b').queue, 'ready/other~0.json'), '{');
    const { items } = await api.json<{ items: unknown[] }>('GET', '/v1/queue?dataset=a-b');
    expect(items).toEqual([{ ...ENTRIES[4], tokens: null }]);
  });

  test('refuses what does not exist', async () => {
    await api.problem('GET', '/v1/queue?dataset=nothing', 'DATASET_NOT_FOUND');
    await api.problem('GET', '/v1/queue?state=lost', 'USAGE');
    await api.problem('GET', '/v1/queue?cursor=lost', 'USAGE');
  });
});

describe('retry', () => {
  test('makes failed entries ready again', async () => {
    expect(await api.json('POST', '/v1/queue/retry', { json: { dataset: 'a' } })).toEqual({
      retried: ['failed'],
    });
    expect(await api.json('GET', '/v1/queue?dataset=a&state=failed')).toMatchObject({ items: [] });
    expect(await api.json('POST', '/v1/queue/retry', { json: { dataset: 'a' } })).toEqual({ retried: [] });
  });

  test('of one entry', async () => {
    const json = { dataset: 'a', name: 'failed' };
    expect(await api.json('POST', '/v1/queue/retry', { json })).toEqual({ retried: ['failed'] });
    expect((await api.problem('POST', '/v1/queue/retry', 'USAGE', { json })).hint).toBe(
      'nothing in it has failed',
    );
  });

  test('refuses what is not well formed', async () => {
    await api.problem('POST', '/v1/queue/retry', 'DATASET_NOT_FOUND', { json: { dataset: 'nothing' } });
    await api.problem('POST', '/v1/queue/retry', 'USAGE', { json: {} });
    await api.problem('POST', '/v1/queue/retry', 'USAGE', { json: { dataset: 'a', all: true } });
    const headers = { 'content-type': 'application/json' };
    await api.problem('POST', '/v1/queue/retry', 'USAGE', { body: '{', headers });
    await api.problem('POST', '/v1/queue/retry', 'INPUT_UNSUPPORTED', { body: 'dataset=a' });
    await api.problem('POST', '/v1/queue/retry', 'USAGE');
  });

  test('is written to the audit log, and so is what was refused', async () => {
    await api.json('POST', '/v1/queue/retry', { json: { dataset: 'a' } });
    await api.problem('POST', '/v1/queue/retry', 'USAGE', { json: {} });
    await api.json('GET', '/v1/queue');
    const entries = await api.audited();
    expect(entries).toMatchObject([
      { identity: 'local', method: 'POST', path: '/v1/queue/retry', status: 200 },
      { identity: 'local', method: 'POST', path: '/v1/queue/retry', status: 400 },
    ]);
  });
});

test('the metrics count entries by state, as they are when they are asked for', async () => {
  const states = async (): Promise<string[]> => {
    const text = await (await api.request('GET', '/metrics')).text();
    return text.split('\n').filter((line) => line.startsWith('tokenmill_queue_entries{'));
  };
  expect(await states()).toEqual([
    'tokenmill_queue_entries{state="ready"} 2',
    'tokenmill_queue_entries{state="leased"} 1',
    'tokenmill_queue_entries{state="done"} 1',
    'tokenmill_queue_entries{state="failed"} 1',
  ]);
  const folder = api.workspace.dataset('a').queue;
  await rename(join(folder, 'ready/ready~0.json'), join(folder, 'done/ready~0.json'));
  expect(await states()).toContain('tokenmill_queue_entries{state="done"} 2');
});
