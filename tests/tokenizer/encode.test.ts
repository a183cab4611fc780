import fc from 'fast-check';
import { get_encoding, type Tiktoken } from 'tiktoken';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import { TokenBuffer } from '../../src/tokenizer/bpe/token-buffer.js';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { hardText, SAMPLES } from './texts.js';
import { makeModel } from './vocabularies.js';

const loaded = new Map<string, Promise<Tokenizer>>();

/** A built-in tokenizer, loaded once for all tests here. */
function builtin(name: string): Promise<Tokenizer> {
  const known = loaded.get(name) ?? loadTokenizer(name);
  loaded.set(name, known);
  return known;
}

describe.each(['gpt2', 'cl100k_base', 'o200k_base'] as const)('%s', (name) => {
  let ours: Tokenizer;
  let fallback: Tokenizer;
  let theirs: Tiktoken;

  beforeAll(async () => {
    ours = await builtin(name);
    fallback = new Tokenizer(ours.model, 'typescript');
    theirs = get_encoding(name);
  });
  afterAll(() => theirs.free());

  it('gives the ids of tiktoken', () => {
    expect([ours.engine, fallback.engine]).toEqual(['wasm', 'typescript']);
    const random = new Random(7);
    const texts = [...Object.values(SAMPLES), ...Array.from({ length: 2500 }, () => hardText(random, 20))];
    for (const sample of texts) {
      const expected = theirs.encode_ordinary(sample);
      expect(ours.encode(sample), JSON.stringify(sample)).toEqual(expected);
      expect(fallback.encode(sample), JSON.stringify(sample)).toEqual(expected);
    }
    // Again, now that the cache knows them; as one text that is longer than a chunk; and as bytes.
    const whole = texts.join('\n');
    const expected = theirs.encode_ordinary(whole);
    expect(ours.encode(whole)).toEqual(expected);
    expect(ours.encode(Buffer.from(whole))).toEqual(expected);
    expect(ours.count(whole)).toBe(expected.length);
    expect(fallback.encode(whole)).toEqual(expected);
    expect(fallback.count(whole)).toBe(expected.length);
  });

  it('takes specials as tiktoken does', () => {
    const sample = '<|endoftext|>a <|endoftext|><|endofprompt|>\n<|endoftext|';
    expect(ours.encode(sample, { allowedSpecial: 'all' })).toEqual(theirs.encode(sample, 'all'));
    expect(ours.encode(sample, { allowedSpecial: ['<|endoftext|>'] })).toEqual(
      theirs.encode(sample, ['<|endoftext|>'], []),
    );
    expect(ours.encode(sample)).toEqual(theirs.encode_ordinary(sample));
    expect(ours.encode(sample, { allowedSpecial: 'none' })).toEqual(theirs.encode_ordinary(sample));
    expect(ours.decodeText(ours.encode(sample, { allowedSpecial: 'all' }))).toBe(sample);
  });

  it('reads a lone surrogate as U+FFFD', () => {
    for (const sample of ['a\ud800b', '\udc00', 'x\ud83d', '\ude00\ud83d\ude00']) {
      expect(ours.encode(sample)).toEqual(theirs.encode_ordinary(sample));
      expect(ours.encode(sample)).toEqual(ours.encode(sample.replaceAll(/\p{Cs}/gu, '\ufffd')));
    }
  });

  it('gives back any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        const ids = ours.encode(bytes);
        expect(ours.decode(ids)).toEqual(bytes);
        expect(fallback.encode(bytes)).toEqual(ids);
      }),
      { seed: 8, numRuns: 1000 },
    );
  });

  it('decodes token by token, a character only when it is complete', () => {
    const random = new Random(9);
    const sample = Array.from({ length: 100 }, () => hardText(random, 10)).join('');
    const decoder = ours.streamDecoder();
    const parts = Array.from(ours.encode(sample), (id) => decoder.push(id));
    expect(parts.join('') + decoder.end()).toBe(sample);
    expect(parts.filter((part) => part.includes('\ufffd')).length).toBe(sample.split('\ufffd').length - 1);
  });
});

describe('published ids', () => {
  it.each([
    ['gpt2', 'Hello world', [15496, 995]],
    ['gpt2', 'hello world', [31373, 995]],
    ['cl100k_base', 'hello world', [15339, 1917]],
    ['o200k_base', 'hello world', [24912, 2375]],
    ['cl100k_base', 'tiktoken is great!', [83, 1609, 5963, 374, 2294, 0]],
  ])('%s: %s', async (name, sample, expected) => {
    expect([...(await builtin(name)).encode(sample)]).toEqual(expected);
  });

  it('gpt2: an end-of-text keeps what is around it apart', async () => {
    const tokenizer = await builtin('gpt2');
    const encode = (sample: string): number[] => [...tokenizer.encode(sample, { allowedSpecial: 'all' })];
    expect(encode('<|endoftext|>\n\n')).toEqual([50256, 628]);
    expect(encode('<|endoftext|>\n\ntesting!')).toEqual([50256, 198, 198, 33407, 0]);
  });
});

describe('a megabyte in one pre-token', () => {
  it.each([
    ['a', 125_000],
    [' ', 7813],
    ['\u0301', 500_000],
    ['👩‍💻', 636_363],
    ['\n', 31_250],
    ['aA', 1_000_000],
    ['漢', 666_666],
  ])('%j', async (unit, expected) => {
    const tokenizer = await builtin('cl100k_base');
    const sample = unit.repeat(Math.floor(1e6 / Buffer.byteLength(unit)));
    const ids = tokenizer.encode(sample);
    expect(ids.length).toBe(expected);
    expect(tokenizer.decodeText(ids)).toBe(sample);
  });
});

describe('Tokenizer', () => {
  const abc = makeModel(
    [
      ['a', 'b'],
      ['ab', 'c'],
      ['b', 'c'],
    ],
    { specials: ['<s>', '<s><s>', '</s>'] },
  );

  it('merges in the order of the merges', () => {
    const tokenizer = new Tokenizer(abc);
    const [ab, abcId, bc] = [256, 257, 258];
    expect([...tokenizer.encode('abc')]).toEqual([abcId]);
    expect([...tokenizer.encode('bcab')]).toEqual([bc, ab]);
  });

  it('finds the longest of the specials that begin at one place', () => {
    const tokenizer = new Tokenizer(abc);
    const ids = [...tokenizer.encode('<s><s><s>ab</s', { allowedSpecial: 'all' })];
    expect(ids.slice(0, 3)).toEqual([260, 259, 256]);
    expect(tokenizer.endOfTextId).toBe(261);
    expect(tokenizer.vocabSize).toBe(262);
    expect(tokenizer.specials.get('<s>')).toBe(259);
  });

  it('says which specials there are where another one is named', () => {
    expect(() => new Tokenizer(abc).encode('', { allowedSpecial: ['<x>'] })).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('"</s>"') as string }),
    );
  });

  it('appends to what the caller has', () => {
    const tokenizer = new Tokenizer(abc);
    const buffer = new TokenBuffer(1);
    buffer.push(5);
    tokenizer.encodeInto('abc'.repeat(1000), buffer);
    tokenizer.encodeInto('', buffer);
    expect([...buffer.toArray()]).toEqual([5, ...Array.from({ length: 1000 }, () => 257)]);
  });

  it.each([[[-1]], [[262]], [[0.5]], [[Number.NaN]]])('refuses to decode %j', (ids) => {
    expect(() => new Tokenizer(abc).decode(ids)).toThrow(expect.objectContaining({ code: 'INPUT_CORRUPT' }));
  });

  it('takes a pre-token that is in the vocabulary as one token only where the model says so', () => {
    const options = { more: ['xyz', 'unreachable pre-token'] };
    const byMerges = new Tokenizer(makeModel([['x', 'y']], options));
    const wholeModel = makeModel([['x', 'y']], { ...options, wholePieces: true });
    expect([...byMerges.encode('xyz')]).toEqual([256, byMerges.encode('z')[0]]);
    for (const engine of ['auto', 'typescript'] as const) {
      const whole = new Tokenizer(wholeModel, engine);
      expect([...whole.encode('xyz xyz')]).toEqual([257, whole.encode(' ')[0], 256, whole.encode('z')[0]]);
      expect(byMerges.sha256).not.toBe(whole.sha256);
    }
  });

  it.each(['auto', 'typescript'] as const)('keeps results right when its caches overflow: %s', (engine) => {
    // Each word of seven letters is seven tokens; there are more words than a cache holds tokens of.
    const tokenizer = new Tokenizer(makeModel([]), engine);
    const random = new Random(10);
    const sample = Array.from({ length: 100_000 }, () => random.uint32().toString(2)).join(' a');
    for (let round = 0; round < 2; round++) {
      const ids = tokenizer.encode(sample);
      expect(ids.length).toBe(sample.length);
      expect(tokenizer.decodeText(ids)).toBe(sample);
    }
  });

  it('normalizes first where the model does', () => {
    const tokenizer = new Tokenizer({ ...makeModel([]), nfc: true });
    const composed = '\u00e9ß漢';
    for (const input of ['e\u0301ß漢', Buffer.from('e\u0301ß漢'), composed]) {
      expect(tokenizer.decodeText(tokenizer.encode(input))).toBe(composed);
    }
    const ascii = Uint8Array.of(0x61, 0x80, 0xc3);
    expect(tokenizer.decode(tokenizer.encode(ascii))).toEqual(ascii);
  });

  it('normalizes by the version of Unicode of its tables', () => {
    const tokenizer = new Tokenizer({ ...makeModel([]), nfc: true });
    // U+1AD1 is a mark since 17.0, and would stand behind U+1E8D0; before, nothing could pass it by.
    const sample = 'a\u1ad1\u{1e8d0}';
    expect(tokenizer.decodeText(tokenizer.encode(`${sample}e\u0301`))).toBe(`${sample}\u00e9`);
    // A letter of 17.0.
    expect(tokenizer.decodeText(tokenizer.encode('\u{10940}\u0301'))).toBe('\u{10940}\u0301');
  });
});
