/** Positions: slopes of ALiBi and frequencies of rotation, against published numbers and those of transformers 5.18. */
import { describe, expect, it } from 'vitest';
import { alibiSlopes } from '../../../../src/trainer/models/blocks/alibi.js';
import {
  normalizeRope,
  rotaryFrequencies,
  type RopeParameters,
} from '../../../../src/trainer/models/blocks/rotary.js';

describe('slopes', () => {
  it('are those of the paper for 8 heads: 1/2, 1/4, ... 1/256', () => {
    expect(alibiSlopes(8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((power) => 2 ** -power));
  });
  it('are those of the paper for 16 heads, 2^-0.5 apart', () => {
    expect(alibiSlopes(16)[0]).toBeCloseTo(Math.SQRT1_2, 12);
    expect(alibiSlopes(16)[1]).toBe(0.5);
  });
  it('go on with every other one of twice as many heads, where they are not a power of two', () => {
    expect(alibiSlopes(12)).toEqual([...alibiSlopes(8), ...[1, 3, 5, 7].map((power) => 2 ** (-power / 2))]);
  });
});

/** Made with transformers.modeling_rope_utils.ROPE_INIT_FUNCTIONS for heads of 8 elements, base 10000, in float32. */
const CASES: [string, RopeParameters, number[], number][] = [
  ['default', { rope_type: 'default', rope_theta: 10000 }, [1, 0.1, 0.01, 0.001], 1],
  ['linear', { rope_type: 'linear', rope_theta: 10000, factor: 4 }, [0.25, 0.025, 0.0025, 0.00025], 1],
  [
    'llama3',
    {
      rope_type: 'llama3',
      rope_theta: 10000,
      factor: 8,
      low_freq_factor: 1,
      high_freq_factor: 4,
      original_max_position_embeddings: 256,
    },
    [1, 0.1, 0.00125, 0.000125],
    1,
  ],
  [
    'yarn',
    {
      rope_type: 'yarn',
      rope_theta: 10000,
      factor: 40,
      original_max_position_embeddings: 4096,
      beta_fast: 32,
      beta_slow: 1,
      truncate: true,
    },
    [1, 0.1, 0.005125, 0.000025],
    1.3688879,
  ],
  [
    'yarn, not on whole indices',
    {
      rope_type: 'yarn',
      rope_theta: 10000,
      factor: 4,
      original_max_position_embeddings: 256,
      beta_fast: 16,
      beta_slow: 2,
      mscale: 1,
      mscale_all_dim: 0.5,
      truncate: false,
    },
    [1, 0.050664395, 0.0025, 0.00025],
    1.0648216,
  ],
];

describe('frequencies', () => {
  it.each(CASES)('%s', (_name, parameters, expected, amplitude) => {
    const actual = rotaryFrequencies(parameters, 8);
    expect(actual.amplitude).toBeCloseTo(amplitude, 6);
    for (const [i, frequency] of actual.frequencies.entries()) {
      expect(Math.abs(frequency / expected[i] - 1)).toBeLessThan(1e-6);
    }
  });
});

describe('notations', () => {
  it('before transformers 5 become those of 5', () => {
    const scaling = { factor: 2, type: 'linear' };
    expect(normalizeRope({ a: 1, rope_theta: 5, rope_scaling: scaling })).toEqual({
      a: 1,
      rope_parameters: { rope_type: 'linear', rope_theta: 5, factor: 2 },
    });
    expect(normalizeRope({ rope_scaling: null })).toEqual({ rope_parameters: { rope_type: 'default' } });
  });
  it('of 5 stay', () => {
    const config = { rope_parameters: { rope_type: 'llama3', rope_theta: 7, factor: 8 } };
    expect(normalizeRope(config)).toEqual(config);
  });
});
