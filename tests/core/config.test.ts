import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { byteSize, integer, readConfigFile, resolveConfig } from '../../src/core/config.js';

const schema = z.object({
  workers: integer(1, 8).default(2),
  window: byteSize.default(64e6),
  shardTokens: integer(1).optional(),
});

describe('resolveConfig', () => {
  it('prefers flags to environment to file to defaults', () => {
    const file = { path: 'f.json', values: { workers: 3, window: '3MB', shardTokens: 30 } };
    const environment = { TOKENMILL_WORKERS: '4', TOKENMILL_WINDOW: '4MB' };
    expect(resolveConfig(schema, { flags: { workers: '5' }, environment, file })).toEqual({
      workers: 5,
      window: 4e6,
      shardTokens: 30,
    });
    expect(resolveConfig(schema, { flags: {} })).toEqual({ workers: 2, window: 64e6 });
  });

  it.each([
    [{ flags: { workers: '0' } }, '--workers'],
    [{ flags: {}, environment: { TOKENMILL_SHARD_TOKENS: 'many' } }, 'TOKENMILL_SHARD_TOKENS'],
    [{ flags: {}, file: { path: 'f.json', values: { window: 'wide' } } }, 'window in f.json'],
  ])('names the source of a bad value: %j', (sources, name) => {
    expect(() => resolveConfig(schema, sources)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining(name) as string,
      }) as Error,
    );
  });
});

describe('byteSize', () => {
  it.each([
    ['1048576', 1048576],
    ['64MB', 64e6],
    ['1.5g', 1.5e9],
    ['2 kB', 2000],
  ])('reads %s', (text, bytes) => {
    expect(byteSize.parse(text)).toBe(bytes);
  });

  it.each(['', '-1', '1PB', 'MB'])('refuses %j', (text) => {
    expect(byteSize.safeParse(text).success).toBe(false);
  });
});

describe('readConfigFile', () => {
  it('takes the section of the command, and reports a file of another form', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'tokenmill-config-')), 'c.json');
    await writeFile(path, '{"ingest": {"workers": 1}, "train": {"steps": 9}}');
    expect(await readConfigFile('train', { TOKENMILL_CONFIG: path })).toEqual({ path, values: { steps: 9 } });
    await writeFile(path, '[1]');
    await expect(readConfigFile('train', { TOKENMILL_CONFIG: path })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
    await expect(readConfigFile('train', { TOKENMILL_CONFIG: `${path}.absent` })).rejects.toMatchObject({
      code: 'FILE_NOT_FOUND',
    });
  });
});
