import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  ensureFolder,
  listFolder,
  publishFile,
  readJson,
  removeTemporaries,
  temporaryPath,
  writeFileAtomic,
  writeFileExclusive,
} from '../../src/core/files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-files-'));
});

describe('writeFileAtomic', () => {
  it('writes, replaces, and leaves nothing else behind', async () => {
    await writeFileAtomic(join(folder, 'a'), 'one');
    await writeFileAtomic(join(folder, 'a'), new Uint8Array([1, 2, 3]));
    expect([...(await readFile(join(folder, 'a')))]).toEqual([1, 2, 3]);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('reports a missing folder', async () => {
    await expect(writeFileAtomic(join(folder, 'no', 'a'), '')).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });
});

describe('writeFileExclusive', () => {
  it('lets exactly one of many writers win, with whole content', async () => {
    const path = join(folder, 'once');
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => writeFileExclusive(path, `writer ${index}`)),
    );
    const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []));
    expect(winners).toHaveLength(1);
    expect(await readFile(path, 'utf8')).toBe(`writer ${winners[0]}`);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'FILE_EXISTS' });
    }
    expect(await readdir(folder)).toEqual(['once']);
  });
});

describe('temporaries', () => {
  it('are never listed, and go when the writer cleans up', async () => {
    const temporary = temporaryPath(join(folder, 'b'));
    await writeFile(temporary, 'half');
    await writeFile(join(folder, 'kept'), '');
    expect(await listFolder(folder)).toEqual(['kept']);
    await removeTemporaries(folder);
    expect(await readdir(folder)).toEqual(['kept']);
  });

  it('get their final name by publishFile', async () => {
    const temporary = temporaryPath(join(folder, 'c'));
    await writeFile(temporary, 'done');
    await publishFile(temporary, join(folder, 'c'));
    expect(await readdir(folder)).toEqual(['c']);
  });
});

describe('listFolder', () => {
  it('sorts by code unit and takes an absent folder as empty', async () => {
    for (const name of ['b', 'B', 'a10', 'a2']) await writeFile(join(folder, name), '');
    expect(await listFolder(folder)).toEqual(['B', 'a10', 'a2', 'b']);
    expect(await listFolder(join(folder, 'absent'))).toEqual([]);
  });
});

describe('readJson', () => {
  it('parses, and names a file that is not JSON', async () => {
    await ensureFolder(join(folder, 'x', 'y'));
    const path = join(folder, 'x', 'y', 'z.json');
    await writeFile(path, '{"a": [1]}');
    expect(await readJson(path)).toEqual({ a: [1] });
    await writeFile(path, '{"a": ');
    await expect(readJson(path)).rejects.toMatchObject({
      code: 'INPUT_CORRUPT',
      message: expect.stringContaining(path) as string,
    });
  });
});
