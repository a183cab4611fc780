/** The layers of a decoder, one on the other. */
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';

/** Rows of the residual stream through `count` layers, whose activations are recomputed where the context says so. */
export function decoderLayers(
  { recompute }: DecoderContext,
  count: number,
  x: Tensor,
  layer: (x: Tensor, index: number) => Tensor,
): Tensor {
  let rows = x;
  for (let index = 0; index < count; index++) {
    rows = recompute === undefined ? layer(rows, index) : recompute(rows, (before) => layer(before, index));
  }
  return rows;
}
