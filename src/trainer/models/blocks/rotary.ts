/** Tables of rotary position embedding. */
import { constant } from '../../graph/build.js';
import type { GraphBuilder, Tensor } from '../../graph/tensor.js';

export interface RotaryTables {
  readonly cosine: Tensor;
  readonly sine: Tensor;
}

/** cos and sin of position * theta^(-2 i / width), each [positions, width / 2] (Su et al., 2021, equation 15). */
export function rotaryTables(
  graph: GraphBuilder,
  positions: number,
  width: number,
  theta: number,
): RotaryTables {
  const half = width / 2;
  const cosine = new Float32Array(positions * half);
  const sine = new Float32Array(positions * half);
  for (let i = 0; i < half; i++) {
    const frequency = theta ** ((-2 * i) / width);
    for (let position = 0; position < positions; position++) {
      cosine[position * half + i] = Math.cos(position * frequency);
      sine[position * half + i] = Math.sin(position * frequency);
    }
  }
  const table = (values: Float32Array): Tensor => constant(graph, values, [positions, half], 'float32');
  return { cosine: table(cosine), sine: table(sine) };
}
