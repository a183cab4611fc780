import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encode } from 'gpt-tokenizer/encoding/r50k_base';
import { describe, expect, test } from 'vitest';
import { packageFile } from '../../../src/core/paths.js';
import { saveTokenizer } from '../../../src/tokenizer/save.js';
import { trainTokenizer } from '../../../src/tokenizer/train.js';
import { testApi } from '../support.js';

const GPT2 = '/v1/tokenizers/gpt2';
const TEXTS = ['', 'hello world', 'Grüße, 世界! 👩‍👩‍👧  \n\n  1234567', ' the end<|endoftext|>'];

async function* texts(): AsyncGenerator<string> {
  yield 'a low tide, a lower tide, the lowest tide of all';
}

describe('the list', () => {
  test('has the built-in ones and those of the workspace, which go first where names are equal', async () => {
    const api = await testApi();
    const builtIn = ['cl100k_base', 'gpt2', 'o200k_base'].map((name) => ({ name, origin: 'built-in' }));
    expect(await api.json('GET', '/v1/tokenizers')).toEqual({ items: builtIn, next_cursor: null });
    const model = await trainTokenizer(texts(), {
      vocabSize: 270,
      minFrequency: 1,
      specials: [],
      pattern: 'gpt2',
    });
    for (const name of ['own', 'gpt2']) await saveTokenizer(model, join(api.workspace.tokenizers, name));
    expect(await api.json('GET', '/v1/tokenizers?limit=2')).toMatchObject({
      items: [
        { name: 'cl100k_base', origin: 'built-in' },
        { name: 'gpt2', origin: 'workspace' },
      ],
    });
    expect(await api.json('GET', GPT2)).toMatchObject({ origin: 'workspace', vocab_size: 270 });
    expect(await api.json('GET', '/v1/tokenizers/own')).toMatchObject({
      name: 'own',
      vocab_size: 270,
      merges: 14,
    });
    const { count } = await api.json('POST', '/v1/tokenizers/own/count', { json: { text: 'lowest' } });
    expect(count).toBeLessThan(6);
  });
});

test('GPT-2 agrees with another implementation, in ids and back', async () => {
  const api = await testApi();
  expect(await api.json('GET', GPT2)).toMatchObject({
    vocab_size: 50257,
    merges: 50000,
    end_of_text_id: 50256,
    specials: { '<|endoftext|>': 50256 },
  });
  for (const text of TEXTS) {
    const special = await api.json<{ ids: number[] }>('POST', `${GPT2}/encode`, { json: { text } });
    const [ordinary, end] = text.split('<|endoftext|>');
    expect(special.ids, text).toEqual([...encode(ordinary), ...(end === undefined ? [] : [50256])]);
    const plain = await api.json('POST', `${GPT2}/encode`, { json: { text, special: false } });
    expect(plain['ids'], text).toEqual(encode(text, { disallowedSpecial: new Set() }));
    const bytes = Buffer.from(text);
    const counted = await api.json('POST', `${GPT2}/count`, { json: { text } });
    expect(counted).toEqual({ count: special.ids.length, bytes: bytes.length });
    const back = await api.json('POST', `${GPT2}/decode`, { json: { ids: special.ids } });
    expect(back).toEqual({ text, base64: bytes.toString('base64') });
  }
  // The first two bytes of a character of three.
  const json = { ids: encode('世').slice(0, 1) };
  const half = await api.json('POST', `${GPT2}/decode`, { json });
  expect(half).toEqual({ text: '\u{fffd}', base64: Buffer.from('世').subarray(0, 2).toString('base64') });
});

describe('refused', () => {
  test('a tokenizer that does not exist, also where a file has its name', async () => {
    const api = await testApi();
    for (const name of ['nothing', 'package.json', 'README.md', 'fixtures']) {
      await api.problem('GET', `/v1/tokenizers/${name}`, 'TOKENIZER_NOT_FOUND');
    }
    for (const name of ['../../etc/passwd', '/etc/passwd', '.hidden', '-x'].map(encodeURIComponent)) {
      await api.problem('GET', `/v1/tokenizers/${name}`, 'USAGE');
      await api.problem('POST', `/v1/tokenizers/${name}/count`, 'USAGE', { json: { text: 'a' } });
    }
  });

  test('a tokenizer that is damaged', async () => {
    const api = await testApi();
    await mkdir(join(api.workspace.tokenizers, 'bad'), { recursive: true });
    await writeFile(join(api.workspace.tokenizers, 'bad/tokenizer.json'), '{"model": {}}');
    await api.problem('GET', '/v1/tokenizers/bad', 'TOKENIZER_INVALID');
    await cp(packageFile('package.json'), join(api.workspace.tokenizers, 'bad/tokenizer.json'));
    await api.problem('POST', '/v1/tokenizers/bad/encode', 'TOKENIZER_INVALID', { json: { text: '' } });
  });

  test('bodies that are not well formed', async () => {
    const api = await testApi();
    await api.problem('POST', `${GPT2}/encode`, 'USAGE', { json: {} });
    await api.problem('POST', `${GPT2}/encode`, 'USAGE', { json: { text: 1 } });
    await api.problem('POST', `${GPT2}/encode`, 'INPUT_UNSUPPORTED', { body: 'text' });
    await api.problem('POST', `${GPT2}/count`, 'USAGE', { json: { text: 'x'.repeat(4_000_001) } });
    await api.problem('POST', `${GPT2}/decode`, 'USAGE', { json: { ids: [-1] } });
    await api.problem('POST', `${GPT2}/decode`, 'USAGE', { json: { ids: [1.5] } });
    const outside = await api.problem('POST', `${GPT2}/decode`, 'INPUT_CORRUPT', {
      json: { ids: [0, 50257] },
    });
    expect(outside.detail).toBe('element 1, 50257, is not an id below 50257');
  });
});
