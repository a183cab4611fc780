/** Causal self-attention with grouped queries (Ainslie et al., 2023) and rotary positions. */
import { reshape, rotary } from '../../graph/build.js';
import { attention } from '../../graph/composites/attention.js';
import type { Tensor } from '../../graph/tensor.js';
import type { CacheSpec, DecoderContext, ParameterSpec } from '../family.js';
import { linear, linearSpecs } from './linear.js';
import type { RotaryTables } from './rotary.js';

export interface AttentionSpec {
  /** Width of the residual stream. */
  readonly width: number;
  readonly heads: number;
  /** Divides `heads`; each serves heads / keyValueHeads heads of queries. */
  readonly keyValueHeads: number;
  readonly headWidth: number;
  /** Whether the four projections have biases. */
  readonly bias: boolean;
}

export function attentionSpecs(
  prefix: string,
  { width, heads, keyValueHeads, headWidth, bias }: AttentionSpec,
  std: number,
  outputStd: number,
): ParameterSpec[] {
  const keyValue = { inputs: width, outputs: keyValueHeads * headWidth, bias, std };
  return [
    ...linearSpecs(`${prefix}.q_proj`, { inputs: width, outputs: heads * headWidth, bias, std }),
    ...linearSpecs(`${prefix}.k_proj`, keyValue),
    ...linearSpecs(`${prefix}.v_proj`, keyValue),
    ...linearSpecs(`${prefix}.o_proj`, { inputs: heads * headWidth, outputs: width, bias, std: outputStd }),
  ];
}

/** Keys (after rotation) and values that a layer keeps. */
export function attentionCaches(prefix: string, { keyValueHeads, headWidth }: AttentionSpec): CacheSpec[] {
  const width = keyValueHeads * headWidth;
  return [
    { name: `${prefix}.keys`, width },
    { name: `${prefix}.values`, width },
  ];
}

/** x [time * batch, width] -> the same */
export function selfAttention(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  spec: AttentionSpec,
  { cosine, sine }: RotaryTables,
): Tensor {
  const { heads, keyValueHeads, headWidth, bias } = spec;
  const { positions, batch, time, source } = context;
  const [keyCache, valueCache] = attentionCaches(prefix, spec);
  const q = rotary(linear(context, `${prefix}.q_proj`, x, bias), positions, cosine, sine, heads);
  const k = rotary(linear(context, `${prefix}.k_proj`, x, bias), positions, cosine, sine, keyValueHeads);
  const v = linear(context, `${prefix}.v_proj`, x, bias);
  const grouped = [batch, keyValueHeads, heads / keyValueHeads, headWidth];
  const shared = [batch, keyValueHeads, 1, headWidth];
  const mixed = attention(
    reshape(q, [time, ...grouped]),
    reshape(context.remember(keyCache, k), [source, ...shared]),
    reshape(context.remember(valueCache, v), [source, ...shared]),
    context.mask,
    1 / Math.sqrt(headWidth),
  );
  return linear(context, `${prefix}.o_proj`, reshape(mixed, [time * batch, heads * headWidth]), bias);
}
