import { describe, expect, it } from 'vitest';
import { readCommits } from '../../src/store/commits.js';
import type { Batch } from '../../src/trainer/loader/batch.js';
import { committedShards } from '../../src/trainer/loader/feeds.js';
import {
  evaluateBatches,
  tokenByteLengths,
  validationBatches,
  type ValidationSource,
} from '../../src/trainer/validation.js';
import { byteTokenizer, END_OF_TEXT, range, trainingWorkspace } from '../support/training.js';

async function source(
  shards: readonly (readonly number[])[],
  batchTokens: number,
  maxTokens = 1_000_000,
): Promise<ValidationSource> {
  const { paths, tokenizer } = await trainingWorkspace([range(100, 9)], shards);
  return {
    folder: paths.folder,
    shards: committedShards(await readCommits(paths), 'valid'),
    tokenizerSha256: tokenizer.sha256,
    batchTokens,
    maxTokens,
  };
}

async function batches(from: ValidationSource): Promise<[number[], number[]][]> {
  const all: [number[], number[]][] = [];
  for await (const { ids, targets } of validationBatches(from)) all.push([[...ids], [...targets]]);
  return all;
}

describe('validation batches', () => {
  it('have every token but the first as a target once, across shards; the last is filled up', async () => {
    expect(await batches(await source([range(0, 5), range(10, 4)], 4))).toEqual([
      [
        [0, 1, 2, 3],
        [1, 2, 3, 4],
      ],
      [
        [4, 10, 11, 12],
        [10, 11, 12, 13],
      ],
    ]);
    expect(await batches(await source([range(0, 7)], 4))).toEqual([
      [
        [0, 1, 2, 3],
        [1, 2, 3, 4],
      ],
      [
        [4, 5, 0, 0],
        [5, 6, -100, -100],
      ],
    ]);
  });

  it('may be fewer: the first so many targets', async () => {
    const first = [
      [0, 1, 2, 3],
      [1, 2, 3, 4],
    ];
    expect(await batches(await source([range(0, 20)], 4, 4))).toEqual([first]);
    expect(await batches(await source([range(0, 20)], 4, 6))).toEqual([
      first,
      [
        [4, 5, 0, 0],
        [5, 6, -100, -100],
      ],
    ]);
    expect(await batches(await source([range(0, 2), range(2, 18)], 4, 3))).toEqual([
      [
        [0, 1, 2, 0],
        [1, 2, 3, -100],
      ],
    ]);
  });

  it('are none where there is no target', async () => {
    expect(await batches(await source([], 4))).toEqual([]);
    expect(await batches(await source([[5]], 4))).toEqual([]);
  });

  it('are refused for tokens of another tokenizer', async () => {
    const other = { ...(await source([range(0, 9)], 4)), tokenizerSha256: 'f'.repeat(64) };
    await expect(batches(other)).rejects.toMatchObject({ code: 'TOKENIZER_MISMATCH' });
  });
});

describe('evaluation', () => {
  /** A program that is sure to one half of every target. */
  const program = {
    async evaluate(_ids: Int32Array, targets: Int32Array): Promise<{ lossSum: number; targets: number }> {
      const count = targets.filter((target) => target !== -100).length;
      return { lossSum: count * Math.LN2, targets: count };
    },
  };
  const run = async (
    tokens: number[],
    onBatch = async (): Promise<boolean> => true,
  ): ReturnType<typeof evaluateBatches> =>
    evaluateBatches(
      program,
      validationBatches(await source([tokens], 4)),
      tokenByteLengths(byteTokenizer()),
      onBatch,
    );

  it('is the mean over targets, and one bit per byte for ln 2 per byte', async () => {
    expect(await run(range(60, 12))).toEqual({
      loss: expect.closeTo(Math.LN2, 12) as number,
      perplexity: expect.closeTo(2, 12) as number,
      bitsPerByte: expect.closeTo(1, 12) as number,
      tokens: 11,
      bytes: 11,
    });
  });

  it('counts the loss of end-of-text, which stands for no bytes', async () => {
    // 4 targets, 3 bytes of text: 4 bits in 3 bytes
    expect(await run([65, 66, END_OF_TEXT, 67, 68])).toMatchObject({
      bitsPerByte: expect.closeTo(4 / 3, 12) as number,
      tokens: 4,
      bytes: 3,
    });
  });

  it('is undefined without targets, or when it is stopped', async () => {
    expect(await run([])).toBeUndefined();
    let asked = 0;
    expect(await run(range(0, 12), async () => ++asked < 3)).toBeUndefined();
    expect(asked).toBe(3);
  });

  it('gets the batches it was given', async () => {
    const seen: Batch[] = [];
    await evaluateBatches(
      { evaluate: async (ids, targets) => (seen.push({ ids, targets }), { lossSum: 0, targets: 1 }) },
      validationBatches(await source([range(0, 9)], 4)),
      tokenByteLengths(byteTokenizer()),
      async () => true,
    );
    expect(seen.map(({ ids }) => [...ids])).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
  });
});

it('bytes of tokens are those of their text', () => {
  const lengths = tokenByteLengths(byteTokenizer());
  expect(lengths).toHaveLength(257);
  expect([...lengths.subarray(0, 256)].every((length) => length === 1)).toBe(true);
  expect(lengths[END_OF_TEXT]).toBe(0);
});
