/** Fixed positions of sine and cosine. */
import { constant, gatherRows } from '../../graph/build.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';

const BASE = 10000;

/**
 * Rows [time * batch, width] (Vaswani et al., 2017, section 3.5), as tensor2tensor has them: sines in the first half and cosines
 * in the second, of frequencies from 1 to 1 / 10000. `offset` is added to every position. `width` is even.
 */
export function sinusoidalPositions(
  { graph, source, positions }: DecoderContext,
  width: number,
  offset: number,
): Tensor {
  const half = width / 2;
  const values = new Float32Array(source * width);
  for (let i = 0; i < half; i++) {
    const frequency = BASE ** (-i / Math.max(1, half - 1));
    for (let position = 0; position < source; position++) {
      values[position * width + i] = Math.sin((position + offset) * frequency);
      values[position * width + half + i] = Math.cos((position + offset) * frequency);
    }
  }
  return gatherRows(constant(graph, values, [source, width], 'float32'), positions);
}
