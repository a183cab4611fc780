import { describe, expect, it } from 'vitest';
import { Random } from '../../src/core/random.js';
import { penalized, sampleToken, type SamplingOptions } from '../../src/trainer/sampling.js';

const ALL: SamplingOptions = { temperature: 1, topK: null, topP: 1 };

/** Draws the numbers given, so that each choice can be worked out by hand. */
function draws(...numbers: number[]): Random {
  const random = new Random(0);
  random.next = () => numbers.shift() as number;
  return random;
}

/** Probabilities 0.5, 0.2, 0.3 of ids 0, 1, 2. */
const logits = Float32Array.from([0.5, 0.2, 0.3], Math.log);
const choose = (number: number, options: Partial<SamplingOptions>): number =>
  sampleToken(logits, { ...ALL, ...options }, draws(number));

describe('sampling', () => {
  it('takes the id into whose share of [0, 1) the number falls', () => {
    expect([0, 0.49, 0.51, 0.69, 0.71, 0.999].map((number) => choose(number, {}))).toEqual([
      0, 0, 1, 1, 2, 2,
    ]);
  });

  it('is greedy at temperature 0 and draws nothing; the lowest id of equals wins', () => {
    expect(sampleToken(Float32Array.of(1, 3, 3, 2), { ...ALL, temperature: 0 }, draws())).toBe(1);
  });

  it('divides logits by the temperature: at 1/2 the probabilities are squared and normalised', () => {
    // 0.25, 0.04, 0.09 of 0.38: borders at 0.6579 and 0.7632
    expect([0.65, 0.66, 0.76, 0.77].map((number) => choose(number, { temperature: 0.5 }))).toEqual([
      0, 1, 1, 2,
    ]);
  });

  it('keeps the k largest, in their order: 0.5 and 0.3 of 0.8', () => {
    expect([0.62, 0.63, 0.999].map((number) => choose(number, { topK: 2 }))).toEqual([0, 2, 2]);
    expect(choose(0.999, { topK: 1 })).toBe(0);
    expect(choose(0.999, { topK: 50 })).toBe(2);
  });

  it('keeps the fewest that reach p: 0.5 + 0.3 for 0.6, all for 0.9', () => {
    expect([0.62, 0.63].map((number) => choose(number, { topP: 0.6 }))).toEqual([0, 2]);
    expect([0.49, 0.51, 0.79, 0.81].map((number) => choose(number, { topP: 0.9 }))).toEqual([0, 2, 2, 1]);
    expect(choose(0.999, { topP: 0 })).toBe(0);
  });

  it('applies p to what k left: 0.5 of 0.8 reaches 0.6 alone', () => {
    expect(choose(0.999, { topK: 2, topP: 0.6 })).toBe(0);
    expect(choose(0.999, { topK: 2, topP: 0.7 })).toBe(2);
  });

  it('keeps what is at least so many times as likely as the likeliest, of what the others left', () => {
    // 0.2 and 0.3 are 0.4 and 0.6 times as likely as 0.5: 0.5 and 0.3 of 0.8 stay, or 0.5 alone.
    expect([0.62, 0.63, 0.999].map((number) => choose(number, { minP: 0.5 }))).toEqual([0, 2, 2]);
    expect(choose(0.999, { minP: 0.7 })).toBe(0);
    expect([0.49, 0.51, 0.71].map((number) => choose(number, { minP: 0.3 }))).toEqual([0, 1, 2]);
    expect(choose(0.999, { topK: 1, minP: 0.3 })).toBe(0);
    // At temperature 2 the ratios are sqrt(0.4) = 0.632 and sqrt(0.6) = 0.775.
    expect(choose(0.999, { temperature: 2, minP: 0.7 })).toBe(2);
    expect(choose(0.999, { temperature: 2, minP: 0.8 })).toBe(0);
  });

  it('makes what the text has already less likely: logits above 0 are divided, others multiplied', () => {
    const values = Float32Array.of(2, -2, 3, 0);
    const options = { ...ALL, repetitionPenalty: 2 };
    expect([...penalized(values, new Set([0, 1, 9]), options)]).toEqual([1, -4, 3, 0]);
    expect([...values]).toEqual([2, -2, 3, 0]);
    expect(penalized(values, new Set([0, 1]), ALL)).toBe(values);
  });

  it('keeps the lower of equal logits first', () => {
    expect(sampleToken(Float32Array.of(1, 2, 2, 2), { ...ALL, topK: 2 }, draws(0.999))).toBe(2);
  });

  it('survives logits of any size and infinities', () => {
    expect(sampleToken(Float32Array.of(1e30, -1e30, 0), ALL, draws(0.999))).toBe(0);
    expect(sampleToken(Float32Array.of(-Infinity, 0, -Infinity), ALL, draws(0))).toBe(1);
  });

  it('gives the same ids for the same seed, in the given proportions', () => {
    const run = (seed: number): number[] => {
      const random = new Random(seed);
      return Array.from({ length: 4000 }, () => sampleToken(logits, ALL, random));
    };
    const ids = run(7);
    expect(run(7)).toEqual(ids);
    expect(run(8)).not.toEqual(ids);
    const share = (id: number): number => ids.filter((item) => item === id).length / ids.length;
    // Four standard deviations: 4 sqrt(p (1 - p) / 4000) < 0.032
    expect(Math.abs(share(0) - 0.5)).toBeLessThan(0.032);
    expect(Math.abs(share(1) - 0.2)).toBeLessThan(0.032);
  });
});
