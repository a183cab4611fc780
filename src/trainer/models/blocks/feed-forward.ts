/** Feed-forward layers. Rows x [n, width] -> the same. */
import { mul } from '../../graph/build.js';
import { silu } from '../../graph/composites/activations.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';
import { type ActivationName, activate } from './activation.js';
import { linear } from './linear.js';

export interface FeedForwardSpec {
  readonly innerWidth: number;
  readonly bias: boolean;
  /** Standard deviations of the initial weights: of those that read the residual stream, and of the one that writes. */
  readonly std: number;
  readonly outputStd: number;
}

const LLAMA_NAMES = { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' } as const;

/** down(silu(gate(x)) * up(x)) (Shazeer, 2020, GLU Variants Improve Transformer, equation 6). */
export function swiglu(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  { innerWidth: outputs, bias, std, outputStd }: FeedForwardSpec,
  names: Readonly<Record<'gate' | 'up' | 'down', string>> = LLAMA_NAMES,
): Tensor {
  const gate = silu(linear(context, `${prefix}.${names.gate}`, x, { outputs, bias, std }));
  const inner = mul(gate, linear(context, `${prefix}.${names.up}`, x, { outputs, bias, std }));
  return linear(context, `${prefix}.${names.down}`, inner, { outputs: x.shape[1], bias, std: outputStd });
}

/** out(activation(in(x))) (Vaswani et al., 2017, section 3.3), with the full names of both linear layers. */
export function feedForward(
  context: DecoderContext,
  names: { readonly in: string; readonly out: string },
  x: Tensor,
  { innerWidth: outputs, bias, std, outputStd }: FeedForwardSpec,
  activation: ActivationName,
  layer: typeof linear = linear,
): Tensor {
  const inner = activate(activation, layer(context, names.in, x, { outputs, bias, std }));
  return layer(context, names.out, inner, { outputs: x.shape[1], bias, std: outputStd });
}
