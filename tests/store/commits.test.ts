import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  appendCommit,
  committedFiles,
  latestSources,
  readCommits,
  removeUncommitted,
  type Commit,
  type SourceProgress,
} from '../../src/store/commits.js';
import { Workspace, type DatasetPaths } from '../../src/store/workspace.js';
import { emptyCommit, failure, failureCode, HASH, testFolder } from './support.js';

async function newDataset(): Promise<DatasetPaths> {
  return new Workspace(await testFolder()).createDataset('d', {});
}

function source(name: string, records: number): SourceProgress {
  return {
    source: name,
    location: `/in/${name}`,
    size: 10,
    modified_ms: 1.5,
    format: 'warc',
    position: { offset: records },
    finished: false,
    records,
    documents: 0,
    non_documents: records,
    bad: 0,
  };
}

const file = (kind: 'documents' | 'signatures' | 'shard', path: string): Commit['files'][number] => ({
  kind,
  path,
  rows: 1,
  bytes: 4,
  sha256: HASH,
});

describe('the commit log', () => {
  it('is empty at first and gives back what was appended, in order', async () => {
    const paths = await newDataset();
    expect(await readCommits(paths)).toEqual([]);
    const first: Commit = {
      ...emptyCommit('d', 1),
      files: [{ ...file('shard', 'shards/train-000001.arrow'), split: 'train', tokens: 7 }],
      pending: [
        { split: 'valid', path: 'shards/pending-1.arrow', rows: 1, tokens: 2, bytes: 3, sha256: HASH },
      ],
      sources: [source('a', 1)],
      bad_records: [{ source: 'a', space: 'file', offset: 5, length: 6, reason: 'cut', detail: 'at 5' }],
      counts: { records: 2, 'bad.cut': 1 },
      totals: { records: 2 },
      next_ordinal: 3,
      tokenizer: { name: 't', sha256: HASH },
    };
    await appendCommit(paths, first);
    await appendCommit(paths, emptyCommit('d', 2));
    expect(await readCommits(paths)).toEqual([first, emptyCommit('d', 2)]);
    expect(await readdir(paths.commits)).toEqual(['000000001.json', '000000002.json']);
  });

  it('lets one of two writers make a commit and keeps what the winner wrote', async () => {
    const paths = await newDataset();
    const commits = [1, 2].map((next_ordinal) => ({ ...emptyCommit('d', 1), next_ordinal }));
    const results = await Promise.allSettled(commits.map((commit) => appendCommit(paths, commit)));
    const winner = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await readCommits(paths)).toEqual([commits[winner]]);
    expect(await failureCode(appendCommit(paths, emptyCommit('d', 1)))).toBe('FILE_EXISTS');
  });

  it('refuses a commit without its predecessor and one that is not well formed', async () => {
    const paths = await newDataset();
    expect(await failureCode(appendCommit(paths, emptyCommit('d', 2)))).toBe('INTERNAL');
    const outside = { ...emptyCommit('d', 1), files: [file('documents', 'documents/../../x')] };
    expect((await failure(appendCommit(paths, outside))).message).toContain('files.0.path');
    expect(await readCommits(paths)).toEqual([]);
  });

  it('does not see a commit that was not finished', async () => {
    const paths = await newDataset();
    await writeFile(join(paths.commits, '.tmp-1-1-000000001.json'), '{"version":');
    await writeFile(join(paths.commits, '000000001.json~'), 'what an editor leaves');
    expect(await readCommits(paths)).toEqual([]);
  });

  it('names the commit that is missing', async () => {
    const paths = await newDataset();
    for (const sequence of [1, 2, 3]) await appendCommit(paths, emptyCommit('d', sequence));
    await rm(join(paths.commits, '000000002.json'));
    const error = await failure(readCommits(paths));
    const path = join(paths.commits, '000000002.json');
    expect([error.code, error.message]).toEqual([
      'DATASET_CORRUPT',
      `commit ${path} is missing, and there are later ones`,
    ]);
  });

  it.each([
    ['no JSON', (text: string) => text.slice(0, 20), 'is not valid JSON'],
    ['an empty file', () => '', 'is not valid JSON'],
    [
      'a value of a wrong type',
      (text: string) => text.replace('"sequence": 1', '"sequence": "1"'),
      'sequence:',
    ],
    ['a missing key', (text: string) => text.replace(/ "totals": \{\},\n/, ''), 'totals:'],
    ['a later version', (text: string) => text.replace('"version": 1', '"version": 2'), 'version:'],
    ['an unknown key', (text: string) => text.replace('{', '{"extra": 1,'), 'extra'],
    [
      'another sequence',
      (text: string) => text.replace('"sequence": 1', '"sequence": 4'),
      'commit 4 of dataset d',
    ],
    ['another dataset', (text: string) => text.replace('"dataset": "d"', '"dataset": "e"'), 'of dataset e'],
  ])('names a commit file with %s', async (_, damage, message) => {
    const paths = await newDataset();
    await appendCommit(paths, emptyCommit('d', 1));
    const path = join(paths.commits, '000000001.json');
    const text = await readFile(path, 'utf8');
    expect(damage(text)).not.toBe(text);
    await writeFile(path, damage(text));
    const error = await failure(readCommits(paths));
    expect([error.code, error.place.file]).toEqual(['DATASET_CORRUPT', path]);
    expect(error.message).toContain(message);
  });

  it('has the files of all commits and the latest progress of each source', () => {
    const commits = [
      {
        ...emptyCommit('d', 1),
        files: [file('documents', 'documents/1')],
        sources: [source('b', 1), source('a', 1)],
      },
      { ...emptyCommit('d', 2), files: [file('documents', 'documents/2')], sources: [source('b', 5)] },
    ];
    expect(committedFiles(commits).map(({ path }) => path)).toEqual(['documents/1', 'documents/2']);
    expect(latestSources(commits).map(({ source: name, records }) => [name, records])).toEqual([
      ['b', 5],
      ['a', 1],
    ]);
  });
});

describe('removeUncommitted', () => {
  it('removes what no commit names and nothing else', async () => {
    const paths = await newDataset();
    const put = (path: string): Promise<void> => writeFile(join(paths.folder, path), 'data');
    const pending = (path: string): Commit['pending'][number] => ({
      split: 'train',
      path,
      rows: 1,
      tokens: 1,
      bytes: 4,
      sha256: HASH,
    });
    const kept = [
      'documents/1.parquet',
      'signatures/1.parquet',
      'shards/train-1.arrow',
      'shards/pending-2.arrow',
    ];
    const leftovers = [
      'documents/2.parquet',
      'documents/.tmp-9-1-3.parquet',
      'signatures/2.parquet',
      'shards/train-2.arrow',
      'shards/.tmp-9-2-x',
      // Named by the first commit, replaced by the second.
      'shards/pending-1.arrow',
      'commits/.tmp-9-3-000000003.json',
    ];
    for (const path of [...kept, ...leftovers]) await put(path);
    const commits = [
      {
        ...emptyCommit('d', 1),
        files: [file('documents', kept[0]), file('signatures', kept[1])],
        pending: [pending('shards/pending-1.arrow')],
      },
      { ...emptyCommit('d', 2), files: [file('shard', kept[2])], pending: [pending(kept[3])] },
    ];
    for (const commit of commits) await appendCommit(paths, commit);
    await removeUncommitted(paths, await readCommits(paths));
    const left = await Promise.all(
      ['commits', 'documents', 'shards', 'signatures'].map(async (folder) =>
        (await readdir(join(paths.folder, folder))).sort().map((name) => `${folder}/${name}`),
      ),
    );
    expect(left.flat()).toEqual([
      'commits/000000001.json',
      'commits/000000002.json',
      'documents/1.parquet',
      'shards/pending-2.arrow',
      'shards/train-1.arrow',
      'signatures/1.parquet',
    ]);
    await removeUncommitted(paths, await readCommits(paths));
    expect(await readFile(join(paths.folder, kept[3]), 'utf8')).toBe('data');
  });
});
