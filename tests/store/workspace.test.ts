import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Workspace } from '../../src/store/workspace.js';
import { failure, failureCode, testFolder } from './support.js';

describe('Workspace', () => {
  it('lays a dataset out as documented', () => {
    const paths = new Workspace('/w').dataset('crawl-1');
    expect(paths).toEqual({
      name: 'crawl-1',
      folder: '/w/datasets/crawl-1',
      config: '/w/datasets/crawl-1/dataset.json',
      lock: '/w/datasets/crawl-1/writer.lock',
      commits: '/w/datasets/crawl-1/commits',
      documents: '/w/datasets/crawl-1/documents',
      signatures: '/w/datasets/crawl-1/signatures',
      index: '/w/datasets/crawl-1/index',
      shards: '/w/datasets/crawl-1/shards',
      queue: '/w/queue/crawl-1',
    });
  });

  it.each(['a', 'A.b_c-9', '0', 'x'.repeat(64)])('takes %s as a name', (name) => {
    expect(new Workspace('/w').dataset(name).name).toBe(name);
  });

  it.each(['', '.', '..', '.hidden', '-x', 'a/b', 'a b', 'ä', 'x'.repeat(65), 'a\n'])(
    'refuses %j as a name',
    async (name) => {
      expect(await failureCode(() => new Workspace('/w').dataset(name))).toBe('USAGE');
    },
  );

  it('creates a dataset once and reads its configuration back', async () => {
    const workspace = new Workspace(await testFolder());
    expect(await workspace.hasDataset('a')).toBe(false);
    const paths = await workspace.createDataset('a', { seed: 1, nested: { x: [1] } });
    expect(await workspace.hasDataset('a')).toBe(true);
    expect(await workspace.readDatasetConfig('a')).toEqual({ seed: 1, nested: { x: [1] } });
    const before = await readFile(paths.config);
    expect(await failureCode(workspace.createDataset('a', { seed: 2 }))).toBe('FILE_EXISTS');
    expect(await readFile(paths.config)).toEqual(before);
  });

  it('lets one of two creators win', async () => {
    const workspace = new Workspace(await testFolder());
    const results = await Promise.allSettled([1, 2, 3].map((seed) => workspace.createDataset('a', { seed })));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('lists the datasets that exist, sorted, and nothing else', async () => {
    const workspace = new Workspace(await testFolder());
    expect(await workspace.listDatasets()).toEqual([]);
    await workspace.createDataset('b', {});
    await workspace.createDataset('a', {});
    // Creation that was cut off before dataset.json, a stray file, a name that cannot be one.
    await mkdir(join(workspace.datasets, 'half', 'commits'), { recursive: true });
    await writeFile(join(workspace.datasets, 'notes.txt'), '');
    await mkdir(join(workspace.datasets, '-odd'));
    await writeFile(join(workspace.datasets, '-odd', 'dataset.json'), '{}');
    expect(await workspace.listDatasets()).toEqual(['a', 'b']);
  });

  it('names the datasets there are where one is missing', async () => {
    const workspace = new Workspace(await testFolder());
    const none = await failure(workspace.readDatasetConfig('x'));
    expect([none.code, none.hint]).toEqual([
      'DATASET_NOT_FOUND',
      'this workspace has no dataset yet; ingest creates one',
    ]);
    await workspace.createDataset('b', {});
    await workspace.createDataset('a', {});
    expect((await failure(workspace.readDatasetConfig('x'))).hint).toBe('the datasets here are: a, b');
  });
});
