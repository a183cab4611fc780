import { describe, expect, it } from 'vitest';
import { learningRate, type Schedule } from '../../src/trainer/schedule.js';

/** Warm-up of 4 steps to 0.8, then half a cosine over 8 steps down to 0.2. */
const schedule: Schedule = { kind: 'cosine', peak: 0.8, minimum: 0.2, warmup: 4, decay: 0, steps: 12 };

describe('learning rate', () => {
  it('rises linearly in the warm-up and reaches the peak at its last step', () => {
    expect([1, 2, 3, 4].map((step) => learningRate(step, schedule))).toEqual(
      [0.2, 0.4, 0.8 * 0.75, 0.8].map((rate) => expect.closeTo(rate, 12) as number),
    );
  });

  it('falls by a cosine: 0.2 + 0.3 (1 + cos(pi k / 8)) after k of 8 steps', () => {
    // cos(pi/4) = sqrt(1/2), cos(pi/2) = 0, cos(3 pi/4) = -sqrt(1/2)
    expect(learningRate(6, schedule)).toBeCloseTo(0.2 + 0.3 * (1 + Math.SQRT1_2), 12);
    expect(learningRate(8, schedule)).toBeCloseTo(0.5, 12);
    expect(learningRate(10, schedule)).toBeCloseTo(0.2 + 0.3 * (1 - Math.SQRT1_2), 12);
  });

  it('is exactly the minimum at the last step, and stays there', () => {
    expect(learningRate(12, schedule)).toBe(0.2);
    expect(learningRate(500, schedule)).toBe(0.2);
  });

  it('needs no warm-up', () => {
    const without: Schedule = { ...schedule, peak: 1, minimum: 0, warmup: 0, steps: 2 };
    expect(learningRate(1, without)).toBeCloseTo(0.5, 12);
    expect(learningRate(2, without)).toBe(0);
  });

  const rates = (change: Partial<Schedule>): number[] =>
    [2, 4, 6, 8, 9, 10, 12, 500].map((step) => learningRate(step, { ...schedule, ...change }));
  const close = (values: readonly number[]): unknown[] =>
    values.map((value) => expect.closeTo(value, 12) as unknown);

  it('falls by a straight line: 0.2 + 0.6 (1 - k / 8)', () => {
    expect(rates({ kind: 'linear' })).toEqual(close([0.4, 0.8, 0.65, 0.5, 0.425, 0.35, 0.2, 0.2]));
  });

  it('is the peak up to the last steps of wsd, then 0.2 + 0.6 (1 - sqrt(k / 4))', () => {
    // sqrt(1/4) = 1/2 at step 9, sqrt(2/4) at step 10
    const middle = 0.2 + 0.6 * (1 - Math.SQRT1_2);
    expect(rates({ kind: 'wsd', decay: 4 })).toEqual(close([0.4, 0.8, 0.8, 0.8, 0.5, middle, 0.2, 0.2]));
  });

  it('stays at the peak where it is constant', () => {
    expect(rates({ kind: 'constant' })).toEqual(close([0.4, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8]));
  });
});
