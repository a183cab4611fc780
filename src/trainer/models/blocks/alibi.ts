/** Attention with linear biases (Press et al., 2022). */
import { add, constant } from '../../graph/build.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';

/**
 * Slope of every head (section 3): 2^(-8 h / heads) for h from 1 where the number of heads is a power of two, else those
 * of the power below it and then every other one of twice that power.
 */
export function alibiSlopes(heads: number): number[] {
  const power = 2 ** Math.floor(Math.log2(heads));
  const slope = (index: number, count: number): number => 2 ** ((-8 * index) / count);
  return Array.from({ length: heads }, (_, head) =>
    head < power ? slope(head + 1, power) : slope(2 * (head - power) + 1, 2 * power),
  );
}

/**
 * The context's mask with the biases, [heads, 1, time, source]. The bias is slope * position of the key: a row's
 * softmax does not change when the same number, slope * its own position, is taken from all its scores.
 */
export function alibiMask({ graph, mask, source }: DecoderContext, heads: number): Tensor {
  const biases = alibiSlopes(heads).flatMap((slope) =>
    Array.from({ length: source }, (_, position) => slope * position),
  );
  return add(constant(graph, biases, [heads, 1, 1, source], 'float32'), mask);
}
