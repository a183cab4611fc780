import { describe, expect, it } from 'vitest';
import { sparkline } from '../../src/cli/sparkline.js';

describe('a curve in a line', () => {
  it('goes from the least to the largest value in eight levels', () => {
    expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe('▁▂▃▄▅▆▇█');
    expect(sparkline([5, 1, 3], 9)).toBe('█▁▅');
  });

  it('shows means of neighbours where there are more values than characters', () => {
    // 2, 4, 9 of (1, 3), (4, 4), (8, 10): 0, 2/7 and 1 of the way.
    expect(sparkline([1, 3, 4, 4, 8, 10], 3)).toBe('▁▃█');
  });

  it('has nothing to show of nothing, and leaves out what is not finite', () => {
    expect(sparkline([], 5)).toBe('');
    expect(sparkline([Number.NaN], 5)).toBe('');
    expect(sparkline([2, Number.NaN, 2], 5)).toBe('▁▁');
  });
});
