import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import { mergesOf, vocabOf } from '../../src/tokenizer/formats/huggingface.js';
import { StringSource } from '../../src/tokenizer/bpe/source.js';
import { scannerOf } from '../../src/tokenizer/patterns.js';
import { Tokenizer } from '../../src/tokenizer/tokenizer.js';
import { trainTokenizer, type TrainingProgress } from '../../src/tokenizer/train.js';
import { PieceCounter } from '../../src/tokenizer/training/piece-counter.js';
import huggingFace from './huggingface-merges.json' with { type: 'json' };
import { scanBytes } from './pieces.js';
import { hardText, SAMPLES } from './texts.js';

/** Merges by the definition, counting everything anew for each: pairs of byte strings in Latin-1. */
function trainByDefinition(texts: readonly string[], merges: number, minFrequency = 1): [string, string][] {
  const words = new Map<string, number>();
  for (const text of texts) {
    for (const piece of scanBytes(scannerOf('gpt2'), new TextEncoder().encode(text), true)) {
      const key = Buffer.from(piece).toString('latin1');
      words.set(key, (words.get(key) ?? 0) + 1);
    }
  }
  const split = [...words].map(([word, count]): [string[], number] => [[...word], count]);
  const result: [string, string][] = [];
  while (result.length < merges) {
    const counts = new Map<string, [number, string, string]>();
    for (const [parts, count] of split) {
      for (let index = 0; index + 1 < parts.length; index++) {
        const key = `${parts[index].length}:${parts[index]}${parts[index + 1]}`;
        const known = counts.get(key);
        counts.set(key, [(known?.[0] ?? 0) + count, parts[index], parts[index + 1]]);
      }
    }
    let best: [number, string, string] | undefined;
    for (const pair of counts.values()) {
      if (best === undefined || pair[0] > best[0] || (pair[0] === best[0] && isGreater(pair, best)))
        best = pair;
    }
    if (best === undefined || best[0] < minFrequency) break;
    const [, left, right] = best;
    result.push([left, right]);
    for (const [parts] of split) {
      for (let index = 0; index + 1 < parts.length; index++) {
        if (parts[index] === left && parts[index + 1] === right) parts.splice(index, 2, left + right);
      }
    }
  }
  return result;
}

/** Latin-1 strings compare by code unit as byte strings do. */
function isGreater(a: [number, string, string], b: [number, string, string]): boolean {
  return a[1] === b[1] ? a[2] > b[2] : a[1] > b[1];
}

function latin1Merges(model: Parameters<typeof mergesOf>[0]): [string, string][] {
  const { merges, vocabulary } = model;
  const text = (id: number): string =>
    Buffer.from(vocabulary.bytes.subarray(vocabulary.offsets[id], vocabulary.offsets[id + 1])).toString(
      'latin1',
    );
  return Array.from({ length: merges.length / 3 }, (_, rank) => [
    text(merges[3 * rank]),
    text(merges[3 * rank + 1]),
  ]);
}

describe('PieceCounter', () => {
  const countsOf = (counter: PieceCounter): Record<string, number> => {
    const counts: Record<string, number> = {};
    counter.forEach((bytes, count) => {
      counts[Buffer.from(bytes).toString()] = count;
    });
    return counts;
  };

  it('leaves out the rarest beyond its bound, and counts on', () => {
    const counter = new PieceCounter('gpt2', 6);
    const long = ` ${'l'.repeat(30)}`;
    counter.add(new StringSource(`a a a b b c${long}${long} d`));
    expect(countsOf(counter)).toEqual({ a: 1, ' a': 2, ' b': 2, ' c': 1, [long]: 2, ' d': 1 });
    expect([counter.leftOut, counter.floor]).toEqual([0, 0]);
    // One more than six: down to three at most, which leaves out what occurred once.
    counter.add(new StringSource(' e'));
    expect(countsOf(counter)).toEqual({ ' a': 2, ' b': 2, [long]: 2 });
    expect([counter.leftOut, counter.floor]).toEqual([4, 1]);
    counter.add(new StringSource(` c a${long}${'m'.repeat(20)}`));
    expect(countsOf(counter)).toEqual({
      ' a': 3,
      ' b': 2,
      ' c': 1,
      [long]: 2,
      [`${long}${'m'.repeat(20)}`]: 1,
    });
    expect(counter.size).toBe(5);
  });

  it('counts short and long pre-tokens, more than its tables begin with room for', () => {
    const random = new Random(12);
    const counter = new PieceCounter('gpt2');
    const expected = new Map<string, number>();
    for (let text = 0; text < 20; text++) {
      const words = Array.from({ length: 6000 }, () => {
        const word = ` ${random.below(60_000).toString(36).replaceAll(/\d/g, 'é')}`;
        return random.next() < 0.5 ? word : word + 'x'.repeat(30);
      });
      for (const word of words) expected.set(word, (expected.get(word) ?? 0) + 1);
      counter.add(new StringSource(words.join('')));
    }
    const found = new Map<string, number>();
    counter.forEach((bytes, count) => found.set(Buffer.from(bytes).toString(), count));
    expect(counter.size).toBe(expected.size);
    expect(found).toEqual(expected);
  });
});

describe('trainTokenizer', () => {
  it('learns what the example of Sennrich et al. gives, ties to the greater pair', async () => {
    // low 5 times, lower 2, widest 3, newest 6; each a text, so that no word has a space.
    const words = [
      ...Array<string>(5).fill('low'),
      'lower',
      'lower',
      ...Array<string>(3).fill('widest'),
      ...Array<string>(6).fill('newest'),
    ];
    const model = await trainTokenizer(words, { vocabSize: 256 + 6 });
    expect(mergesOf(model)).toEqual(['s t', 'e st', 'o w', 'l ow', 'w est', 'n e']);
  });

  it('learns what the definition gives', async () => {
    const random = new Random(11);
    for (let round = 0; round < 12; round++) {
      // Few different words in many forms: many ties, overlaps and long words.
      const texts = Array.from({ length: 30 }, () => {
        const alphabet = 'aab '.slice(0, 2 + random.below(3));
        return Array.from({ length: 1 + random.below(60) }, () => random.pick([...alphabet])).join('');
      });
      texts.push(...Array.from({ length: 20 }, () => hardText(random, 10)));
      const expected = trainByDefinition(texts, 120);
      const model = await trainTokenizer(texts, { vocabSize: 256 + 120 });
      expect(latin1Merges(model)).toEqual(expected);
    }
  });

  it('merges what the trainer of Hugging Face merges, where ties go to the lower ids', async () => {
    // Made by BpeTrainer of tokenizers 0.23.2 with its ByteLevel pre-tokenizer; most of these merges are ties.
    const { texts, merges } = huggingFace;
    const options = { vocabSize: 1 + 256 + merges.length, specials: ['<|endoftext|>'] };
    expect(mergesOf(await trainTokenizer(texts, { ...options, ties: 'ids' }))).toEqual(merges);
    const byBytes = mergesOf(await trainTokenizer(texts, options));
    expect(byBytes).not.toEqual(merges);
    expect(latin1Merges(await trainTokenizer(texts, options))).toEqual(
      trainByDefinition(texts, merges.length),
    );
  });

  it('stops where no pair is frequent enough', async () => {
    const texts = Object.values(SAMPLES);
    for (const minFrequency of [1, 2, 5]) {
      const expected = trainByDefinition(texts, 2000, minFrequency);
      const model = await trainTokenizer(texts, { vocabSize: 256 + 2000, minFrequency });
      expect(latin1Merges(model)).toEqual(expected);
      expect(expected.length).toBeLessThan(2000);
    }
  });

  it('keeps specials whole and apart', async () => {
    const specials = ['<|endoftext|>', '<a>'];
    const parts = ['abab', ' ab', 'ab'];
    const model = await trainTokenizer([parts.join('<|endoftext|>'), 'abab<a>abab'], {
      vocabSize: 300,
      specials,
    });
    const apart = await trainTokenizer([...parts, 'abab', 'abab'], { vocabSize: 300 });
    expect(mergesOf(model)).toEqual(mergesOf(apart));
    const vocab = vocabOf(model);
    // First the specials, then the bytes in the order of GPT-2, then the merges.
    expect([vocab['<|endoftext|>'], vocab['<a>'], vocab['!'], vocab['ÿ'], vocab['Ā'], vocab['ab']]).toEqual([
      0, 1, 2, 189, 190, 258,
    ]);
    expect(new Tokenizer(model).endOfTextId).toBe(0);
  });

  it('never merges over the end of a text', async () => {
    const model = await trainTokenizer(['a', 'b', 'a', 'b'], { vocabSize: 300 });
    expect(mergesOf(model)).toEqual([]);
    expect(new Tokenizer(model).vocabSize).toBe(256);
  });

  it('does not depend on how the texts are given, nor on their order', async () => {
    const texts = Object.values(SAMPLES);
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (const text of texts.toReversed()) yield await Promise.resolve(Buffer.from(text));
    }
    const options = { vocabSize: 600, pattern: 'o200k' };
    const expected = new Tokenizer(await trainTokenizer(texts, options));
    expect(new Tokenizer(await trainTokenizer(stream(), options)).sha256).toBe(expected.sha256);
    expect(expected.pattern).toBe('o200k');
  });

  it('takes a regular expression', async () => {
    const model = await trainTokenizer(['ab12ab12ab'], { vocabSize: 260, pattern: '[a-z]+|[0-9]' });
    expect(mergesOf(model)).toEqual(['a b']);
  });

  it('counts the same on any number of threads', async () => {
    const random = new Random(5);
    // More than a batch of each thread, pre-tokens of all lengths, texts with and without a special, a lone surrogate.
    const texts = Array.from(
      { length: 3000 },
      (_, index) =>
        hardText(random, 30).repeat(20) + (index % 3 === 0 ? '<|end|>ab' : '') + 'x'.repeat(index % 40),
    );
    texts.push('\ud800 lone', '');
    const options = { vocabSize: 700, specials: ['<|end|>'] };
    const expected = new Tokenizer(await trainTokenizer(texts, options));
    const onLeftOut = (): never => expect.fail('nothing is left out');
    for (const threads of [1, 3]) {
      const model = await trainTokenizer(texts, { ...options, threads, onLeftOut });
      expect(new Tokenizer(model).sha256).toBe(expected.sha256);
    }
  });

  it('hands on an error of a thread, and ends', async () => {
    const texts = Array.from({ length: 40 }, () => 'a'.repeat(100_000));
    async function* broken(): AsyncGenerator<string> {
      yield* texts;
      await Promise.resolve();
      throw new Error('the disk is gone');
    }
    await expect(trainTokenizer(broken(), { vocabSize: 300, threads: 2 })).rejects.toThrow(
      'the disk is gone',
    );
  });

  it('tells the pre-tokens that memory does not suffice for, and keeps the frequent ones', async () => {
    // 20,000 different words once each, as letters of base 26, and two that are frequent.
    const rare = Array.from({ length: 20_000 }, (_, index) => {
      const letter = (n: number): string => String.fromCharCode(97 + (n % 26));
      return letter(index) + letter(index / 26) + letter(index / 676) + letter(index / 17_576);
    });
    const texts = [
      ...rare.map((word) => ` ${word}${' QZ'.repeat(10)}`),
      ...rare.map((word) => ` ${'y'.repeat(20)}${word}`),
    ];
    for (const threads of [0, 2]) {
      const told: unknown[] = [];
      const model = await trainTokenizer(texts, {
        vocabSize: 258,
        memory: 1e6,
        threads,
        onLeftOut: (leftOut) => told.push(leftOut),
      });
      expect(told).toEqual([{ pieces: expect.any(Number) as number, floor: 1 }]);
      expect((told[0] as { pieces: number }).pieces).toBeGreaterThan(20_000);
      expect(mergesOf(model)).toEqual(['Q Z', 'Ġ QZ']);
    }
  });

  it('tells how far it is', async () => {
    const seen: TrainingProgress[] = [];
    const onProgress = (progress: TrainingProgress): number => seen.push(progress);
    await trainTokenizer(['ab', 'cdé'], { vocabSize: 258, onProgress });
    expect(seen.filter(({ stage }) => stage === 'count')).toEqual([
      { stage: 'count', done: 2 },
      { stage: 'count', done: 6 },
    ]);
    expect(seen.at(-1)).toEqual({ stage: 'merge', done: 2, total: 2 });
  });

  it.each([
    [{ vocabSize: 255 }, /255/],
    [{ vocabSize: 256, specials: ['a'] }, /needs from 257/],
    [{ vocabSize: 300.5 }, /300\.5/],
    [{ vocabSize: 9_000_000 }, /2000000/],
    [{ vocabSize: 300, specials: ['a', 'a'] }, /twice/],
    [{ vocabSize: 300, specials: [''] }, /empty/],
    [{ vocabSize: 300, minFrequency: 0 }, /minimum frequency 0/],
  ])('refuses %j', async (options, message) => {
    await expect(trainTokenizer([], options)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    await expect(trainTokenizer([], options)).rejects.toThrow(message);
  });
});
