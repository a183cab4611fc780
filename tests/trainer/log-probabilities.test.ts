import fc from 'fast-check';
import { expect, it } from 'vitest';
import { logProbability, topLogProbabilities } from '../../src/trainer/log-probabilities.js';

it('gives ln of the softmax', () => {
  // e^0 : e^ln2 : e^ln5 = 1 : 2 : 5, of 8.
  const logits = Float32Array.of(0, Math.log(2), Math.log(5));
  expect(logProbability(logits, 0)).toBeCloseTo(Math.log(1 / 8), 6);
  expect(logProbability(logits, 1)).toBeCloseTo(Math.log(2 / 8), 6);
  expect(topLogProbabilities(logits, 2).map(({ id }) => id)).toEqual([2, 1]);
  expect(topLogProbabilities(logits, 2)[0].logProbability).toBeCloseTo(Math.log(5 / 8), 6);
});

it('neither overflows nor underflows', () => {
  expect(logProbability(Float32Array.of(1e4, 1e4), 0)).toBeCloseTo(-Math.LN2, 6);
  expect(logProbability(Float32Array.of(-2000, 0), 0)).toBeCloseTo(-2000, 6);
});

it('takes the lower id of equal logits, and all where there are not so many', () => {
  expect(topLogProbabilities(Float32Array.of(1, 3, 3, 2), 2).map(({ id }) => id)).toEqual([1, 2]);
  expect(topLogProbabilities(Float32Array.of(1, 2), 5).map(({ id }) => id)).toEqual([1, 0]);
  expect(topLogProbabilities(Float32Array.of(1, 2), 0)).toEqual([]);
});

it('is a distribution, and its top is the head of the sorted whole', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 50 }),
      fc.nat(10),
      (values, count) => {
        const logits = Float32Array.from(values);
        const all = values.map((_, id) => ({ id, logProbability: logProbability(logits, id) }));
        expect(all.reduce((sum, { logProbability: l }) => sum + Math.exp(l), 0)).toBeCloseTo(1, 9);
        const sorted = all.sort((a, b) => b.logProbability - a.logProbability || a.id - b.id);
        expect(topLogProbabilities(logits, count)).toEqual(sorted.slice(0, count));
      },
    ),
  );
});
