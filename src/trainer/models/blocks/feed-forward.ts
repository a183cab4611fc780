/** Feed-forward layers. */
import { mul } from '../../graph/build.js';
import { silu } from '../../graph/composites/activations.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext, ParameterSpec } from '../family.js';
import { linear, linearSpecs } from './linear.js';

export interface FeedForwardSpec {
  readonly width: number;
  readonly innerWidth: number;
  readonly bias: boolean;
}

export function swigluSpecs(
  prefix: string,
  { width, innerWidth, bias }: FeedForwardSpec,
  std: number,
  outputStd: number,
): ParameterSpec[] {
  return [
    ...linearSpecs(`${prefix}.gate_proj`, { inputs: width, outputs: innerWidth, bias, std }),
    ...linearSpecs(`${prefix}.up_proj`, { inputs: width, outputs: innerWidth, bias, std }),
    ...linearSpecs(`${prefix}.down_proj`, { inputs: innerWidth, outputs: width, bias, std: outputStd }),
  ];
}

/** down(silu(gate(x)) * up(x)) (Shazeer, 2020, GLU Variants Improve Transformer, equation 6). Rows x [n, width] */
export function swiglu(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  { bias }: FeedForwardSpec,
): Tensor {
  const gate = silu(linear(context, `${prefix}.gate_proj`, x, bias));
  const inner = mul(gate, linear(context, `${prefix}.up_proj`, x, bias));
  return linear(context, `${prefix}.down_proj`, inner, bias);
}
