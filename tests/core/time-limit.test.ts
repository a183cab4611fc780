/** Work that never ends is what the limit is for; what is tested is that it ends and what is left of it. */
import { describe, expect, it } from 'vitest';
import { eachWithin, runWithin } from '../../src/core/time-limit.js';

const forever = (): never => {
  for (;;);
};

describe('runWithin', () => {
  it('runs work to its end', () => {
    let done = false;
    const finished = runWithin(60_000, () => {
      done = true;
    });
    expect([finished, done]).toEqual([true, true]);
  });

  it('stops a loop and a regular expression that do not end', () => {
    expect(runWithin(20, forever)).toBe(false);
    expect(runWithin(20, () => void /^(?:a+)+$/.test(`${'a'.repeat(60)}b`))).toBe(false);
  });

  it('throws what the work throws, and works on', () => {
    expect(() =>
      runWithin(60_000, () => {
        throw new RangeError('no');
      }),
    ).toThrow(new RangeError('no'));
    expect(runWithin(60_000, () => {})).toBe(true);
  });
});

describe('eachWithin', () => {
  it('has a result for each step, and none for those that do not end', () => {
    const runs = [0, 0, 0, 0, 0, 0];
    const results = eachWithin(40, 6, (index) => {
      runs[index] += 1;
      return index === 2 || index === 3 || index === 5 ? forever() : index * 10;
    });
    expect(results).toEqual([0, 10, undefined, undefined, 40, undefined]);
    // One that was stopped behind others is begun again by itself; one that came to its end is not.
    expect(runs).toEqual([1, 1, 2, 1, 1, 2]);
  });

  it('takes no steps for a count of none', () => {
    expect(eachWithin(40, 0, forever)).toEqual([]);
  });
});
