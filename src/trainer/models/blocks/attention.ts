/**
 * Causal self-attention: with as many heads of keys and values as of queries (Vaswani et al., 2017), with fewer that are
 * shared by groups of queries (Ainslie et al., 2023), or with one (Shazeer, 2019).
 */
import { reshape, rotary } from '../../graph/build.js';
import { attention } from '../../graph/composites/attention.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';
import { linear } from './linear.js';
import { rmsNorm } from './norm.js';
import type { RotaryTables } from './rotary.js';

export interface Heads {
  readonly heads: number;
  /** Divides `heads`; each serves heads / keyValueHeads heads of queries. */
  readonly keyValueHeads: number;
  readonly headWidth: number;
}

/** Rows of queries [n, heads * headWidth], keys and values [n, keyValueHeads * headWidth]. */
export interface Projections {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

/**
 * Attention of every row to its past; keys (after rotation) and values go into the caches `<prefix>.keys` and `.values`.
 * Returns [n, heads * headWidth].
 * @param mask [time, source], or with axes for heads before them, [keyValueHeads, heads / keyValueHeads, time, source]
 * @param scale of the scores. Default: 1 / sqrt(headWidth)
 */
export function causalAttention(
  context: DecoderContext,
  prefix: string,
  { q, k, v }: Projections,
  { heads, keyValueHeads, headWidth }: Heads,
  mask: Tensor = context.mask,
  scale: number = 1 / Math.sqrt(headWidth),
): Tensor {
  const { batch, time, source, causalBlock } = context;
  const width = keyValueHeads * headWidth;
  const keys = context.remember({ name: `${prefix}.keys`, width }, k);
  const values = context.remember({ name: `${prefix}.values`, width }, v);
  const shared = [source, batch, keyValueHeads, 1, headWidth];
  const mixed = attention(
    reshape(q, [time, batch, keyValueHeads, heads / keyValueHeads, headWidth]),
    reshape(keys, shared),
    reshape(values, shared),
    { mask, scale, causalBlock },
  );
  return reshape(mixed, [time * batch, heads * headWidth]);
}

export interface SelfAttentionSpec extends Heads {
  /** Whether the projections to queries, keys and values have biases, and whether the one back has. */
  readonly inputBias: boolean;
  readonly outputBias: boolean;
  /** RMSNorm of queries and keys before rotation: of each head by itself, or of all heads as one row. */
  readonly normalization?: { readonly over: 'head' | 'row'; readonly epsilon: number };
  readonly tables?: RotaryTables;
  readonly std: number;
  readonly outputStd: number;
}

const NAMES = { q: 'q_proj', k: 'k_proj', v: 'v_proj', out: 'o_proj' } as const;

/** The layer with a projection each for queries, keys, values and output. x [n, width] -> the same */
export function selfAttention(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  spec: SelfAttentionSpec,
  names: Readonly<Record<keyof typeof NAMES, string>> = NAMES,
): Tensor {
  const { heads, keyValueHeads, headWidth, inputBias: bias, std } = spec;
  const project = (name: string, count: number): Tensor =>
    linear(context, `${prefix}.${name}`, x, { outputs: count * headWidth, bias, std });
  const place = (rows: Tensor, norm: string, count: number): Tensor =>
    rotate(context, normalizeHeads(context, `${prefix}.${norm}`, rows, spec), count, spec.tables);
  const q = project(names.q, heads);
  const k = project(names.k, keyValueHeads);
  const v = project(names.v, keyValueHeads);
  const mixed = causalAttention(
    context,
    prefix,
    { q: place(q, 'q_norm', heads), k: place(k, 'k_norm', keyValueHeads), v },
    spec,
  );
  return linear(context, `${prefix}.${names.out}`, mixed, {
    outputs: x.shape[1],
    bias: spec.outputBias,
    std: spec.outputStd,
  });
}

/** QK-norm (Henry et al., 2020): keeps the scores from growing. */
function normalizeHeads(
  context: DecoderContext,
  name: string,
  rows: Tensor,
  { normalization, headWidth }: SelfAttentionSpec,
): Tensor {
  if (normalization === undefined) return rows;
  const { over, epsilon } = normalization;
  if (over === 'row') return rmsNorm(context, name, rows, epsilon);
  return reshape(rmsNorm(context, name, reshape(rows, [-1, headWidth]), epsilon), rows.shape);
}

/** Rows [n, heads * width], rotated by their positions; as they are without tables. */
export function rotate(
  { positions }: DecoderContext,
  rows: Tensor,
  heads: number,
  tables: RotaryTables | undefined,
): Tensor {
  if (tables === undefined) return rows;
  return rotary(rows, positions, tables.cosine, tables.sine, heads, tables.interleaved);
}
