import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeTokenizer } from '../../src/tokenizer/describe.js';
import { fromByteLevel, toByteLevel } from '../../src/tokenizer/formats/byte-level.js';
import { parseHuggingFace, toHuggingFace } from '../../src/tokenizer/formats/huggingface.js';
import { parseTiktoken, toTiktoken } from '../../src/tokenizer/formats/tiktoken.js';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import { modelSha256 } from '../../src/tokenizer/model.js';
import { saveTokenizer } from '../../src/tokenizer/save.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { tokenBytes } from '../../src/tokenizer/vocabulary.js';
import { makeModel } from './vocabularies.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenmill-tokenizer-'));
});
afterAll(() => rm(folder, { recursive: true }));

const SAMPLE = makeModel(
  [
    [' ', 't'],
    ['h', 'e'],
    [' t', 'he'],
  ],
  { specials: ['<|endoftext|>', '<x>'], pattern: 'o200k' },
);

interface File {
  added_tokens: Record<string, unknown>[];
  normalizer: unknown;
  pre_tokenizer: Record<string, unknown>;
  model: Record<string, unknown> & { vocab: Record<string, unknown>; merges: unknown[] };
}

/** The content of a tokenizer.json as other programs write it, to be changed. */
function file(model = SAMPLE): File {
  return JSON.parse(JSON.stringify(toHuggingFace(model))) as File;
}

function refusal(content: unknown): { code: string; message: string } {
  try {
    parseHuggingFace(content, 'tokenizer.json');
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('accepted');
}

describe('byte-level characters', () => {
  it('are those of GPT-2', () => {
    expect(toByteLevel(Buffer.from(' a\n\0é\u00ad'))).toBe('ĠaĊĀÃ©ÂŃ');
    expect(fromByteLevel('ĠaĊ')).toEqual(Uint8Array.of(0x20, 0x61, 0x0a));
    expect(fromByteLevel('a b')).toBeUndefined();
    expect(fromByteLevel('漢')).toBeUndefined();
  });

  it('are there for each byte', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(new Set(toByteLevel(bytes)).size).toBe(256);
    expect(fromByteLevel(toByteLevel(bytes))).toEqual(bytes);
  });
});

describe('tokenizer.json', () => {
  it('is read back equal', async () => {
    for (const [name, model] of Object.entries({
      named: SAMPLE,
      gpt2: { ...SAMPLE, pattern: 'gpt2' as const },
      custom: { ...SAMPLE, pattern: ['\\p{N}', '\\p{L}+|\\s+'] },
      flags: { ...SAMPLE, wholePieces: true, nfc: true },
      rules: {
        ...SAMPLE,
        pattern: 'gpt2' as const,
        prefixSpace: true,
        specialRules: new Map([
          ['<x>', { lstrip: true, rstrip: false, singleWord: true, normalized: false }],
          ['<|endoftext|>', { lstrip: false, rstrip: true, singleWord: false, normalized: true }],
        ]),
      },
    })) {
      await saveTokenizer(model, join(folder, name));
      const loaded = await loadTokenizer(name, { folder });
      expect(loaded.model).toEqual({ ...model, endOfText: '<|endoftext|>' });
      expect(loaded.sha256).toBe(modelSha256(model));
    }
  });

  it('reads merges as pairs and as text, and tokens in any order', () => {
    const content = file();
    content.model.merges = content.model.merges.map((merge) => String(merge).split(' '));
    content.model.vocab = Object.fromEntries(Object.entries(content.model.vocab).reverse());
    expect(modelSha256(parseHuggingFace(content, 'f'))).toBe(modelSha256(SAMPLE));
  });

  it('reads what other tokenizers are written with', () => {
    const content = file();
    const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false };
    const patternOf = (...pretokenizers: unknown[]): unknown =>
      parseHuggingFace({ ...content, pre_tokenizer: { type: 'Sequence', pretokenizers } }, 'f').pattern;
    const cl100k =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const split = (Regex: string, behavior = 'Isolated', invert = false): unknown => ({
      type: 'Split',
      pattern: { Regex },
      behavior,
      invert,
    });
    // Llama 3; GPT-4 as it was converted; GPT-2 before it had use_regex; SmolLM; a text to split at.
    expect(patternOf(split(cl100k), byteLevel)).toBe('cl100k');
    expect(patternOf(split(cl100k, 'Removed', true), byteLevel)).toBe('cl100k');
    const plain = { type: 'ByteLevel', add_prefix_space: false };
    expect(parseHuggingFace({ ...content, pre_tokenizer: plain }, 'f').pattern).toBe('gpt2');
    expect(patternOf({ type: 'Digits', individual_digits: true }, plain)).toEqual([
      '\\p{N}',
      expect.stringContaining("'s|'t") as string,
    ]);
    expect(
      patternOf(
        { type: 'Split', pattern: { String: 'a.b' }, behavior: 'Isolated', invert: false },
        byteLevel,
      ),
    ).toEqual(['a\\.b']);
    const nfc = { type: 'NFC' };
    expect(parseHuggingFace({ ...content, normalizer: nfc }, 'f').nfc).toBe(true);
    expect(parseHuggingFace({ ...content, normalizer: { type: 'Sequence', normalizers: [] } }, 'f').nfc).toBe(
      false,
    );
  });

  it('takes a token that only added_tokens has', () => {
    const content = file();
    delete content.model.vocab['<x>'];
    expect(modelSha256(parseHuggingFace(content, 'f'))).toBe(modelSha256(SAMPLE));
  });

  it('keeps a token named __proto__', () => {
    const model = makeModel([['__pro', 'to__']], { more: ['__pro', 'to__'] });
    const text = JSON.stringify(toHuggingFace(model));
    expect(modelSha256(parseHuggingFace(JSON.parse(text), 'f'))).toBe(modelSha256(model));
  });

  it.each<[string, (content: File) => void, RegExp]>([
    ['another model', (content) => (content.model['type'] = 'WordPiece'), /model\.type/],
    ['no merges', (content) => Reflect.deleteProperty(content.model, 'merges'), /model\.merges/],
    ['a vocabulary that is a list', (content) => (content.model.vocab = [] as never), /model\.vocab/],
    ['dropout', (content) => (content.model['dropout'] = 0.1), /model\.dropout/],
    ['a suffix', (content) => (content.model['end_of_word_suffix'] = '</w>'), /end_of_word_suffix/],
    ['another normalizer', (content) => (content.normalizer = { type: 'Lowercase' }), /normalizer/],
    ['another pre-tokenizer', (content) => (content.pre_tokenizer = { type: 'Whitespace' }), /pre_tokenizer/],
    [
      'no ByteLevel',
      (content) => (content.pre_tokenizer = { type: 'Digits', individual_digits: true }),
      /does not end with ByteLevel/,
    ],
    [
      'a space in front of every piece',
      (content) =>
        ((content.pre_tokenizer['pretokenizers'] as { add_prefix_space: boolean }[])[1].add_prefix_space =
          true),
      /pretokenizers\.1: add_prefix_space/,
    ],
    [
      'a merged split',
      (content) =>
        ((content.pre_tokenizer['pretokenizers'] as { behavior: string }[])[0].behavior = 'MergedWithNext'),
      /MergedWithNext/,
    ],
    [
      'an id twice',
      (content) => (content.model.vocab['Ġt'] = 5),
      /the id 5 of the token "Ġt" is there twice/,
    ],
    ['an id that is none', (content) => (content.model.vocab['Ġt'] = -1), /"Ġt" has the id -1/],
    ['an id out of all bounds', (content) => (content.model.vocab['Ġt'] = 1e9), /has the id 1000000000/],
    ['a token of other characters', (content) => (content.model.vocab['漢'] = 400), /"漢" is not written/],
    ['an empty token', (content) => (content.model.vocab[''] = 400), /"" is not written/],
    ['no token for a byte', (content) => Reflect.deleteProperty(content.model.vocab, 'Ā'), /byte 0x00/],
    [
      'a merge of an unknown token',
      (content) => (content.model.merges[1] = 'h 漢'),
      /merge 2, "h 漢", needs the token "漢"/,
    ],
    ['a merge to an unknown token', (content) => (content.model.merges[1] = 'h h'), /needs the token "hh"/],
    [
      'a merge that is no pair',
      (content) => (content.model.merges[1] = ['h']),
      /merge 2, \["h"\], is not a pair/,
    ],
    ['a merge of three', (content) => (content.model.merges[1] = 'h e e'), /is not a pair/],
    ['a merge twice', (content) => content.model.merges.push('h e'), /merge 4, "h e", is there twice/],
    [
      'an added token twice',
      (content) => content.added_tokens.push(content.added_tokens[0]),
      /added token is there twice/,
    ],
    [
      'an added token of two ids',
      (content) => (content.added_tokens[0]['id'] = 999),
      /"<\|endoftext\|>" has two ids/,
    ],
  ])('refuses %s', (_, change, message) => {
    const content = file();
    change(content);
    const error = refusal(content);
    expect(error.code).toBe('TOKENIZER_INVALID');
    expect(error.message).toMatch(message);
  });

  it('refuses a pattern that cannot be used when the tokenizer is made', () => {
    expect(() => new Tokenizer({ ...SAMPLE, pattern: ['(?<a>b)'] })).toThrow(
      expect.objectContaining({ code: 'TOKENIZER_INVALID' }),
    );
  });
});

describe('rank files', () => {
  const definition = (): { pattern: 'gpt2'; specials: Map<string, number> } => ({
    pattern: 'gpt2',
    specials: new Map(),
  });
  const encode = (tokens: readonly string[]): Buffer =>
    Buffer.from(
      tokens.map((token, rank) => `${Buffer.from(token, 'latin1').toString('base64')} ${rank}\n`).join(''),
    );
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  const mergesOf = (...more: string[]): string[] => {
    const { merges, vocabulary } = parseTiktoken(encode([...bytes, ...more]), 'f', definition);
    const text = (id: number): string => Buffer.from(tokenBytes(vocabulary, id)).toString('latin1');
    return Array.from({ length: merges.length / 3 }, (_, rank) =>
      [0, 1, 2].map((part) => text(merges[3 * rank + part])).join(' '),
    );
  };

  it('are written as they were read', async () => {
    const content = encode([...bytes, 'ab', 'abc', 'cd', 'abcd']);
    expect(toTiktoken(parseTiktoken(content, 'f', definition))).toBe(content.toString());
    const gpt2 = await loadTokenizer('gpt2');
    const again = parseTiktoken(Buffer.from(toTiktoken(gpt2.model)), 'f', () => gpt2.model);
    expect(modelSha256(again)).toBe(gpt2.sha256);
  });

  it('are not written where merges have another order than ids', () => {
    const model = makeModel([
      ['a', 'b'],
      ['b', 'c'],
    ]);
    const { merges } = model;
    const swapped = { ...model, merges: Int32Array.of(...merges.subarray(3), ...merges.subarray(0, 3)) };
    expect(toTiktoken(model).split('\n').length).toBe(259);
    expect(() => toTiktoken(swapped)).toThrow(expect.objectContaining({ code: 'TOKENIZER_INVALID' }));
  });

  it('give each token the pair that it is made from', () => {
    // abcd could be ab + cd or abc + d: ab is merged first, then cd, which comes before abc.
    expect(mergesOf('ab', 'cd', 'abc', 'abcd')).toEqual(['a b ab', 'c d cd', 'ab c abc', 'ab cd abcd']);
    expect(mergesOf('ab', 'abc', 'cd', 'abcd')).toEqual(['a b ab', 'ab c abc', 'c d cd', 'abc d abcd']);
  });

  it('may make a token from one of higher rank, or leave it without a pair', () => {
    // By the lower ranks abc stays a, b, c; bc, which comes later, makes it.
    expect(mergesOf('abc', 'bc')).toEqual(['a bc abc', 'b c bc']);
    // Nothing leads to xyz: it is one token only where it is a whole pre-token.
    expect(mergesOf('xyz')).toEqual([]);
    const tokenizer = new Tokenizer(parseTiktoken(encode([...bytes, 'xyz']), 'f', definition));
    expect([...tokenizer.encode('xyz xyz')]).toEqual([256, 32, 120, 121, 122]);
  });

  it('get pattern and special of cl100k_base where their number is not known', async () => {
    const path = join(folder, 'ranks.tiktoken');
    await writeFile(path, encode([...bytes, 'ab']));
    const tokenizer = await loadTokenizer(path);
    expect(describeTokenizer(tokenizer)).toEqual({
      vocab_size: 258,
      merges: 1,
      pattern: 'cl100k',
      specials: { '<|endoftext|>': 257 },
      end_of_text_id: 257,
      longest_token_bytes: 13,
      nfc: false,
      engine: 'wasm',
      sha256: tokenizer.sha256,
    });
  });

  it.each([
    ['a line without a rank', 'YQ==\n', 'line is not a token and its rank', 1],
    ['what is not base64', 'YQ== 0\n*Q== 1\n', 'line is not a token and its rank', 2],
    ['base64 that is cut off', 'YQ 0\n', 'line is not a token and its rank', 1],
    ['an empty token', ' 0\n', 'line is not a token and its rank', 1],
    ['a rank that is no number', 'YQ== 0x\n', 'line is not a token and its rank', 1],
    ['a rank twice', 'YQ== 0\r\n\r\nYg== 0\r\n', 'rank 0 is there twice', 3],
    ['a rank out of all bounds', 'YQ== 99999999\n', 'rank 99999999 is beyond', 1],
  ])('with %s are refused', (_, content, message, line) => {
    expect(() => parseTiktoken(Buffer.from(content), 'f', definition)).toThrow(
      expect.objectContaining({
        code: 'TOKENIZER_INVALID',
        message: expect.stringContaining(message) as string,
        place: { file: 'f', line },
      }),
    );
  });

  it.each([
    ['a byte is missing', bytes.slice(1), /byte 0x00/],
    ['a token is there twice', [...bytes, 'ab', 'ab'], /rank 257 is there twice/],
    ['a longer token is there twice', [...bytes, 'ab', 'abc', 'abc'], /rank 258 is there twice/],
  ])('where %s are refused', (_, tokens, message) => {
    expect(() => parseTiktoken(encode(tokens), 'f', definition)).toThrow(message);
  });
});

describe('loadTokenizer', () => {
  it('reads the same tokenizer from a rank file, tokenizer.json, and vocab.json with merges.txt', async () => {
    const builtin = await loadTokenizer('gpt2');
    const saved = join(folder, 'from-gpt2');
    await saveTokenizer(builtin.model, saved);
    const pair = join(folder, 'pair');
    await mkdir(pair);
    for (const name of ['vocab.json', 'merges.txt'])
      await writeFile(join(pair, name), await readFile(join(saved, name)));
    expect((await readFile(join(saved, 'merges.txt'), 'utf8')).split('\n', 3)).toEqual([
      '#version: 0.2',
      'Ġ t',
      'Ġ a',
    ]);
    expect((await loadTokenizer(pair)).sha256).toBe(builtin.sha256);
    expect((await loadTokenizer(saved)).sha256).toBe(builtin.sha256);
    expect((await loadTokenizer(join(saved, 'tokenizer.json'))).sha256).toBe(builtin.sha256);
    expect([builtin.vocabSize, builtin.endOfTextId, builtin.pattern]).toEqual([50257, 50256, 'gpt2']);
  });

  it('writes the specials where Hugging Face looks for them', async () => {
    const path = join(folder, 'roles');
    await saveTokenizer(SAMPLE, path);
    const config = JSON.parse(await readFile(join(path, 'tokenizer_config.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(config['eos_token']).toBe('<|endoftext|>');
    expect(Object.keys(config['added_tokens_decoder'] as object)).toEqual(['259', '260']);
    const map = JSON.parse(await readFile(join(path, 'special_tokens_map.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    expect(map).toEqual({ bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' });
  });

  it.each([
    ['tokenizer_config.json', { eos_token: '<x>' }, 260],
    ['tokenizer_config.json', { eos_token: { content: '<x>', lstrip: false } }, 260],
    ['tokenizer_config.json', {}, 259],
  ])('takes the end of text from %s: %j', async (name, content, expected) => {
    const path = join(folder, 'named-end');
    await saveTokenizer(SAMPLE, path);
    await writeFile(join(path, name), JSON.stringify(content));
    expect((await loadTokenizer(path)).endOfTextId).toBe(expected);
  });

  it.each([
    [{ eos_token: 5 }, /eos_token/],
    [{ eos_token: '<none>' }, /"<none>" is not among the added tokens/],
  ])('refuses tokenizer_config.json with %j', async (content, message) => {
    const path = join(folder, 'bad-end');
    await saveTokenizer(SAMPLE, path);
    await writeFile(join(path, 'tokenizer_config.json'), JSON.stringify(content));
    await expect(loadTokenizer(path)).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
      message: expect.stringMatching(message) as string,
    });
  });

  it('prefers a name of the folder to a built-in one', async () => {
    await saveTokenizer(SAMPLE, join(folder, 'o200k_base'));
    expect((await loadTokenizer('o200k_base', { folder })).vocabSize).toBe(261);
  });

  it('names what it did not find, and what there is', async () => {
    const missing = loadTokenizer('nothing', { folder });
    await expect(missing).rejects.toMatchObject({ code: 'TOKENIZER_NOT_FOUND' });
    await expect(missing).rejects.toHaveProperty('hint', expect.stringMatching(/named.*cl100k_base/));
    await expect(loadTokenizer('./no/such/file.json')).rejects.toMatchObject({ code: 'TOKENIZER_NOT_FOUND' });
    const empty = join(folder, 'empty');
    await mkdir(empty);
    await expect(loadTokenizer(empty)).rejects.toMatchObject({ code: 'TOKENIZER_NOT_FOUND' });
  });

  it.each([
    ['half.json', '{"model": '],
    ['text.json', 'no tokenizer'],
    ['list.json', '[]'],
    ['text.txt', 'no tokenizer'],
  ])('refuses %s', async (name, content) => {
    const path = join(folder, name);
    await writeFile(path, content);
    await expect(loadTokenizer(path)).rejects.toMatchObject({
      code: 'TOKENIZER_INVALID',
      place: expect.objectContaining({ file: path }) as object,
    });
  });

  it('refuses a vocab.json that is no object', async () => {
    const path = join(folder, 'bad-pair');
    await mkdir(path);
    await writeFile(join(path, 'vocab.json'), '[1]');
    await writeFile(join(path, 'merges.txt'), '');
    await expect(loadTokenizer(path)).rejects.toMatchObject({ code: 'TOKENIZER_INVALID' });
  });
});
