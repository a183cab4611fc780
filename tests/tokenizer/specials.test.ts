import { describe, expect, it } from 'vitest';
import { PLAIN_SPECIAL, type SpecialRule } from '../../src/tokenizer/specials.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { makeModel } from './vocabularies.js';

/** A tokenizer of single bytes with these added tokens, whose ids are 256 and following. */
function withAdded(
  added: Readonly<Record<string, Partial<SpecialRule>>>,
  options: { prefixSpace?: boolean; nfc?: boolean } = {},
): Tokenizer {
  const specialRules = new Map(
    Object.entries(added).map(([text, rule]) => [text, { ...PLAIN_SPECIAL, ...rule }]),
  );
  return new Tokenizer({ ...makeModel([], { specials: Object.keys(added) }), specialRules, ...options });
}

const encode = (tokenizer: Tokenizer, text: string): number[] => [
  ...tokenizer.encode(text, { allowedSpecial: 'all' }),
];

// Expected ids are those of Hugging Face tokenizers 0.22 for AddedTokens of the same kind and the same 256 bytes.
describe('added tokens', () => {
  const rules = withAdded({
    '<l>': { lstrip: true },
    '<r>': { rstrip: true },
    one: { singleWord: true },
    '<b>': { lstrip: true, rstrip: true },
  });

  it.each([
    ['a <l> b', [64, 256, 220, 65]],
    ['a  \u3000<l>b', [64, 256, 65]],
    ['a <r> \n b', [64, 220, 257, 65]],
    ['<r> <l>', [257, 256]],
    ['one', [258]],
    ['x<b> <b>y', [87, 259, 259, 88]],
    ['a <b> ', [64, 259]],
    ['  <l>', [256]],
    ['<r>  ', [257]],
    [
      'bone one ones one. one_ \u00e9one one\u0301',
      [
        65, 78, 77, 68, 220, 258, 220, 78, 77, 68, 82, 220, 258, 13, 220, 78, 77, 68, 62, 220, 127, 102, 78,
        77, 68, 220, 78, 77, 68, 136, 223,
      ],
    ],
  ])('take in what is around them: %j', (text, expected) => {
    expect(encode(rules, text)).toEqual(expected);
    expect(rules.count(text, { allowedSpecial: 'all' })).toBe(expected.length);
  });

  it.each([
    ['a', [220, 64]],
    ['a<r>b', [220, 64, 257, 220, 65]],
    [' a', [220, 64]],
    ['<l> b', [256, 220, 65]],
    ['\na', [220, 198, 64]],
    ['', []],
  ])('divide a text whose parts begin with a space: %j', (text, expected) => {
    const tokenizer = withAdded({ '<l>': { lstrip: true }, '<r>': { rstrip: true } }, { prefixSpace: true });
    expect(encode(tokenizer, text)).toEqual(expected);
  });

  it.each([
    ['<n>\u0338', [27, 77, 158, 231, 107]],
    ['<p>\u0338', [257, 136, 116]],
    ['e\u0301<n>', [127, 102, 256]],
    ['<n<p>>', [27, 77, 257, 29]],
  ])('are found before or after normalization: %j', (text, expected) => {
    const tokenizer = withAdded({ '<n>': { normalized: true }, '<p>': {} }, { nfc: true });
    expect(encode(tokenizer, text)).toEqual(expected);
  });
});

describe('disallowed specials', () => {
  const tokenizer = new Tokenizer(makeModel([], { specials: ['<a>', '<b>'] }));

  it('are refused with their place', () => {
    expect(() => tokenizer.encode('é<b>', { disallowedSpecial: 'all' })).toThrow(
      expect.objectContaining({ code: 'INPUT_CORRUPT', place: { offset: 2 } }),
    );
    expect(() => tokenizer.count('<b>', { disallowedSpecial: ['<b>'] })).toThrow('"<b>"');
    expect(() => tokenizer.encode('', { disallowedSpecial: ['<c>'] })).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    );
  });

  it('are those that are not allowed, where all are', () => {
    const options = { allowedSpecial: ['<b>'], disallowedSpecial: 'all' } as const;
    expect([...tokenizer.encode('<b>', options)]).toEqual([257]);
    expect(() => tokenizer.encode('<b><a>', options)).toThrow('"<a>" at byte 3');
    expect(tokenizer.encode('<a>', { disallowedSpecial: ['<b>'] }).length).toBe(3);
  });
});

describe('offsets', () => {
  it('are the bytes that each token stands for', () => {
    const tokenizer = new Tokenizer(makeModel([['a', 'b']], { specials: ['<s>'] }));
    const { ids, starts, ends } = tokenizer.encodeWithOffsets('ab<s>é', { allowedSpecial: 'all' });
    expect([...ids].slice(0, 2)).toEqual([256, 257]);
    expect([...starts]).toEqual([0, 2, 5, 6]);
    expect([...ends]).toEqual([2, 5, 6, 7]);
  });

  it('include white space that a special takes in, and leave out a space that was put in front', () => {
    const tokenizer = withAdded({ '<b>': { lstrip: true, rstrip: true } }, { prefixSpace: true });
    const { ids, starts, ends } = tokenizer.encodeWithOffsets('a <b> c', { allowedSpecial: 'all' });
    expect([...ids]).toEqual([220, 64, 256, 220, 66]);
    expect([...starts]).toEqual([0, 0, 1, 6, 6]);
    expect([...ends]).toEqual([0, 1, 6, 6, 7]);
  });
});
