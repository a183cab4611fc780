import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import { TokenBuffer } from '../../src/tokenizer/bpe/token-buffer.js';
import { loadTokenizer } from '../../src/tokenizer/load.js';
import type { TokenizerModel } from '../../src/tokenizer/model.js';
import { PATTERN_NAMES } from '../../src/tokenizer/patterns.js';
import { PLAIN_SPECIAL } from '../../src/tokenizer/specials.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { hardText } from './texts.js';

const ALL = { allowedSpecial: 'all' } as const;

let base: TokenizerModel;
beforeAll(async () => {
  base = (await loadTokenizer('gpt2')).model;
});

/** Cuts bytes at random places, characters and specials among them. */
function partsOf(random: Random, bytes: Buffer, most: number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 1 + random.below(most);
    parts.push(bytes.subarray(at, end));
    at = end;
  }
  return parts;
}

function streamed(
  tokenizer: Tokenizer,
  parts: readonly (string | Uint8Array)[],
  partBytes: number,
): number[] {
  const output = new TokenBuffer();
  const encoder = tokenizer.streamEncoder({ ...ALL, partBytes });
  for (const part of parts) encoder.push(part, output);
  encoder.end(output);
  return [...output.toArray()];
}

const SPECIALS = ['<|endoftext|>', '<|endoftext|>', '<|endof', '|>', '<'];

function specialText(random: Random): string {
  return Array.from(
    { length: 12 },
    () => hardText(random, 6) + (random.next() < 0.4 ? random.pick(SPECIALS) : ''),
  ).join('');
}

describe.each(
  PATTERN_NAMES.flatMap((pattern) =>
    (['auto', 'typescript'] as const).map((engine) => ({ pattern, engine })),
  ),
)('a stream with the pattern $pattern, engine $engine', ({ pattern, engine }) => {
  it('has the ids of the whole text', () => {
    const random = new Random(1);
    for (const nfc of [false, true]) {
      const tokenizer = new Tokenizer({ ...base, pattern, nfc }, engine);
      for (let round = 0; round < 60; round++) {
        const bytes = Buffer.from(specialText(random));
        const expected = [...tokenizer.encode(bytes, ALL)];
        const parts = partsOf(random, bytes, 40);
        expect(streamed(tokenizer, parts, 1), JSON.stringify(bytes.toString())).toEqual(expected);
        expect(streamed(tokenizer, parts, 100)).toEqual(expected);
      }
    }
  });
});

describe('a stream', () => {
  it('has the ids of the whole of any bytes', () => {
    const random = new Random(2);
    for (const nfc of [false, true]) {
      const tokenizer = new Tokenizer({ ...base, nfc });
      for (let round = 0; round < 200; round++) {
        const bytes = Buffer.from(
          Array.from({ length: 60 }, () => random.pick([0x61, 0xcc, 0x81, 0xe5, 0xc3, 0xff, 0x20])),
        );
        expect(streamed(tokenizer, partsOf(random, bytes, 7), 1)).toEqual([...tokenizer.encode(bytes, ALL)]);
      }
    }
  });

  it('joins the halves of a surrogate pair, and takes a lone one as U+FFFD', () => {
    const tokenizer = new Tokenizer(base);
    expect(streamed(tokenizer, ['a\ud83d', '\ude00b'], 1)).toEqual([...tokenizer.encode('a😀b')]);
    expect(streamed(tokenizer, ['a\ud83d', 'b\ud83d'], 1)).toEqual([...tokenizer.encode('a\ufffdb\ufffd')]);
  });

  it.each([
    ['a pattern that is a regular expression', { pattern: ['\\w+|\\s'] }],
    ['a space in front', { prefixSpace: true }],
    [
      'added tokens with white space around them',
      { specialRules: new Map([['<|endoftext|>', { ...PLAIN_SPECIAL, lstrip: true, rstrip: true }]]) },
    ],
  ])('is exact with %s', (_, options) => {
    const random = new Random(3);
    const tokenizer = new Tokenizer({ ...base, ...options });
    for (let round = 0; round < 40; round++) {
      const bytes = Buffer.from(specialText(random));
      expect(streamed(tokenizer, partsOf(random, bytes, 40), 1)).toEqual([...tokenizer.encode(bytes, ALL)]);
    }
  });

  it('holds back no more than a pre-token needs', async () => {
    const tokenizer = new Tokenizer(base);
    let given = 0;
    let received = 0;
    async function* parts(): AsyncGenerator<string> {
      for (let index = 0; index < 100; index++) {
        given += 10_000;
        yield 'some words\n'.repeat(1000).slice(0, 10_000);
      }
    }
    for await (const ids of tokenizer.encodeStream(parts())) {
      received += tokenizer.decode(ids).length;
      expect(given - received).toBeLessThan(150_000);
    }
    expect(received).toBe(1_000_000);
  });

  it('is exact where a pre-token is longer than what is gathered', () => {
    const tokenizer = new Tokenizer(base);
    const text = `a ${'b'.repeat(300_000)} c${' '.repeat(200_000)}d${'e!'.repeat(50)}`;
    const parts = Array.from({ length: 60 }, (_, index) => text.slice(index * 10_000, (index + 1) * 10_000));
    expect(streamed(tokenizer, parts, 4096)).toEqual([...tokenizer.encode(text)]);
  });
});

describe('StreamDecoder', () => {
  it.each([-1, 50257, 1.5])('refuses %d', (id) => {
    expect(() => new Tokenizer(base).streamDecoder().push(id)).toThrow(
      expect.objectContaining({ code: 'INPUT_CORRUPT' }),
    );
  });
});
