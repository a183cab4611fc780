import { describe, expect, it } from 'vitest';
import { TokenmillError } from '../../src/core/errors.js';
import { Random } from '../../src/core/random.js';
import { PATTERN_NAMES } from '../../src/tokenizer/patterns.js';
import { trainTokenizer } from '../../src/tokenizer/train.js';
import { mergesOf } from '../../src/tokenizer/formats/huggingface.js';
import { cutText } from '../../src/tokenizer/training/cut-text.js';
import { TextCounter } from '../../src/tokenizer/training/text-counter.js';
import { hardText } from './texts.js';

async function* inParts(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}

async function cutsOf(bytes: Uint8Array, partSize: number, options: Parameters<typeof cutText>[1]) {
  const stretches: Buffer[] = [];
  for await (const stretch of cutText(inParts(bytes, partSize), options, 40))
    stretches.push(Buffer.from(stretch));
  return stretches;
}

function countsOf(stretches: readonly Uint8Array[], options: Parameters<typeof cutText>[1]) {
  const counter = new TextCounter({ ...options, maxPieces: 1e6 });
  for (const stretch of stretches) counter.add(stretch);
  const counts = new Map<string, number>();
  counter.counter.forEach((bytes, count) => counts.set(Buffer.from(bytes).toString('latin1'), count));
  return counts;
}

describe('cutText', () => {
  it('cuts so that the pre-tokens are those of the whole, under each named pattern', async () => {
    const random = new Random(5);
    const specials = ['<|endoftext|>', 'a b', 'word\n'];
    let cuts = 0;
    for (const pattern of PATTERN_NAMES) {
      for (let round = 0; round < 25; round++) {
        const words = Array.from({ length: 30 }, () =>
          random.below(3) === 0
            ? random.pick(['a b', 'a', 'b', ' ', 'word\n', ' word \n'])
            : hardText(random, 2),
        );
        const bytes = Buffer.from(words.join(''));
        const options = { pattern, specials };
        const stretches = await cutsOf(bytes, 1 + random.below(50), options);
        expect(Buffer.concat(stretches)).toEqual(bytes);
        expect(countsOf(stretches, options)).toEqual(countsOf([bytes], options));
        cuts += stretches.length - 1;
      }
    }
    expect(cuts).toBeGreaterThan(100);
  });

  it('cuts behind a letter only, and not within a special', async () => {
    const text = (stretches: Buffer[]): string[] => stretches.map(String);
    const filler = '.'.repeat(60);
    const plain = { pattern: 'cl100k', specials: [] };
    expect(text(await cutsOf(Buffer.from(`ä b${filler}`), 64, plain))).toEqual(['ä', ` b${filler}`]);
    // A sign takes the line ends behind it, so no place is known here.
    expect(text(await cutsOf(Buffer.from(`!\n\n9 ${filler}`), 64, plain))).toEqual([`!\n\n9 ${filler}`]);
    const special = { pattern: 'cl100k', specials: ['a b'] };
    expect(text(await cutsOf(Buffer.from(`c a b${filler}`), 64, special))).toEqual(['c', ` a b${filler}`]);
  });

  it('refuses a large text that it cannot cut', async () => {
    async function* signs(): AsyncGenerator<Uint8Array> {
      const part = Buffer.alloc(13_000_000, '.');
      for (let count = 0; count < 5; count++) yield part;
    }
    const train = trainTokenizer([signs()], { vocabSize: 300 });
    await expect(train).rejects.toThrow(TokenmillError);
    await expect(train).rejects.toMatchObject({ code: 'INPUT_TOO_LARGE' });
  });

  it('learns the same from a text in parts, on threads too', async () => {
    const random = new Random(6);
    const text = Array.from({ length: 400 }, () => hardText(random, 4)).join(' and\n');
    const options = { vocabSize: 600, specials: ['and'] };
    const whole = mergesOf(await trainTokenizer([text], options));
    expect(mergesOf(await trainTokenizer([inParts(Buffer.from(text), 1000)], options))).toEqual(whole);
    expect(
      mergesOf(await trainTokenizer([inParts(Buffer.from(text), 1000)], { ...options, threads: 1 })),
    ).toEqual(whole);
  });
});
