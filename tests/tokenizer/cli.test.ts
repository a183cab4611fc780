import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import { saveTokenizer } from '../../src/tokenizer/save.js';
import { tokenmill } from '../support/cli.js';
import { makeModel } from './vocabularies.js';

let folder: string;
let tokenizer: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-tokenizer-cli-'));
  tokenizer = join(folder, 'small');
  await saveTokenizer(makeModel([['a', 'b']], { specials: ['<|endoftext|>'] }), tokenizer);
});
afterAll(() => rm(folder, { recursive: true }));

describe('tokenmill tokenizer', () => {
  const encode = async (input: string, ...options: string[]): Promise<string> => {
    const { stdout, stderr } = await tokenmill(
      ['tokenizer', 'encode', '--tokenizer', tokenizer, ...options],
      { input },
    );
    expect(stderr).toBe('');
    return stdout;
  };

  it('encodes standard input, in parts where it is long', async () => {
    expect(await encode('ab!<|endoftext|>')).toBe('[256,0,257]\n');
    expect(await encode('')).toBe('[]\n');
    const long = 'ab!<|endoftext|>'.repeat(100_000);
    const ids = JSON.parse(await encode(long)) as number[];
    expect(ids.length).toBe(300_000);
    expect(ids.every((id, index) => id === [256, 0, 257][index % 3])).toBe(true);
    expect(await encode(long, '--format', 'count')).toBe('300000\n');
    expect(await encode('ab<|endoftext|>', '--no-special', '--format', 'count')).toBe('14\n');
  });

  it('says where tokens are', async () => {
    expect(JSON.parse(await encode('ab!<|endoftext|>', '--offsets'))).toEqual({
      ids: [256, 0, 257],
      offsets: [
        [0, 2],
        [2, 3],
        [3, 16],
      ],
    });
    expect(await encode('', '--offsets')).toBe('{"ids":[],"offsets":[]}\n');
  });

  it('measures compression', async () => {
    const text = join(folder, 'text.txt');
    await writeFile(text, 'abab');
    const { stdout } = await tokenmill(['tokenizer', 'info', tokenizer, '--text', text, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ vocab_size: 258, tokens: 2, bytes_per_token: 2 });
  });

  it('converts to a rank file and back', async () => {
    const ranks = join(folder, 'ranks.tiktoken');
    await tokenmill(['tokenizer', 'convert', tokenizer, '--format', 'tiktoken', '--out', ranks]);
    expect((await readFile(ranks, 'utf8')).split('\n')[256]).toBe('YWI= 256');
    const back = join(folder, 'back');
    await tokenmill(['tokenizer', 'convert', ranks, '--out', back]);
    expect((await loadTokenizer(back)).encode('ab')).toEqual(Uint32Array.of(256));
  });

  it('refuses a tokenizer that is damaged, with the place', async () => {
    const bad = join(folder, 'bad.json');
    await writeFile(bad, '{"model": 5}');
    const { status, stderr } = await tokenmill(['tokenizer', 'info', bad]);
    expect(status).toBe(3);
    expect(stderr).toContain(bad);
  });

  it('trains on no text: says so, and writes nothing', async () => {
    const empty = join(folder, 'empty.txt');
    await writeFile(empty, '');
    const out = join(folder, 'of-nothing');
    const { status, stderr } = await tokenmill([
      'tokenizer',
      'train',
      empty,
      '--vocab-size',
      '300',
      '--out',
      out,
    ]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('no text to learn from')]);
    await expect(readFile(join(out, 'tokenizer.json'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
