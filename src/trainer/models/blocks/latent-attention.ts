/**
 * Multi-head latent attention (DeepSeek-AI, 2024, DeepSeek-V2, section 2.1): keys and values of all heads come from one narrow
 * latent row a position, which is all that a cache keeps beside the rotated part of the keys, shared by the heads.
 */
import { broadcastTo, concat, gemm, matmul, reshape, slice, transpose } from '../../graph/build.js';
import { attention } from '../../graph/composites/attention.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';
import { rotate } from './attention.js';
import { linear, matrix } from './linear.js';
import { rmsNorm } from './norm.js';
import type { RotaryTables } from './rotary.js';

export interface LatentAttentionSpec {
  readonly heads: number;
  /** Width of the latent of queries; null: queries come from the residual stream. */
  readonly queryRank: number | null;
  /** Width of the latent of keys and values. */
  readonly rank: number;
  /** Width of a head of queries and keys without position, and of its part that is rotated. */
  readonly plainWidth: number;
  readonly rotatedWidth: number;
  readonly valueWidth: number;
  /** Whether projections from and to the residual stream have biases. */
  readonly bias: boolean;
  readonly tables: RotaryTables;
  readonly scale: number;
  readonly std: number;
  readonly outputStd: number;
}

/** Of the latents, whatever the rest of the model has. */
const NORM_EPSILON = 1e-6;

/** x [n, width] -> the same */
export function latentAttention(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  spec: LatentAttentionSpec,
): Tensor {
  const { heads, rank, plainWidth, rotatedWidth, valueWidth, bias, tables, std } = spec;
  const rows = x.shape[0];
  const queries = reshape(queryRows(context, prefix, x, spec), [rows, heads, plainWidth + rotatedWidth]);
  const plainQueries = slice(queries, 2, 0, plainWidth);
  const turning = slice(queries, 2, plainWidth, plainWidth + rotatedWidth);
  const rotatedQueries = reshape(
    rotate(context, reshape(turning, [rows, heads * rotatedWidth]), heads, tables),
    [rows, heads, rotatedWidth],
  );
  const compressed = linear(context, `${prefix}.kv_a_proj_with_mqa`, x, {
    outputs: rank + rotatedWidth,
    bias,
    std,
  });
  const latents = context.remember(
    { name: `${prefix}.latents`, width: rank },
    rmsNorm(context, `${prefix}.kv_a_layernorm`, slice(compressed, 1, 0, rank), NORM_EPSILON),
  );
  const rotatedKeys = context.remember(
    { name: `${prefix}.rotated_keys`, width: rotatedWidth },
    rotate(context, slice(compressed, 1, rank, rank + rotatedWidth), 1, tables),
  );
  const expansion = matrix(
    context,
    `${prefix}.kv_b_proj.weight`,
    [heads * (plainWidth + valueWidth), rank],
    std,
  );
  const parts = { plainQueries, rotatedQueries, latents, rotatedKeys, expansion };
  const mixed =
    context.source > context.time ? absorbed(context, parts, spec) : expanded(context, parts, spec);
  return linear(context, `${prefix}.o_proj`, mixed, {
    outputs: x.shape[1],
    bias,
    std: spec.outputStd,
  });
}

function queryRows(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  { heads, queryRank, plainWidth, rotatedWidth, bias, std }: LatentAttentionSpec,
): Tensor {
  const outputs = heads * (plainWidth + rotatedWidth);
  if (queryRank === null) return linear(context, `${prefix}.q_proj`, x, { outputs, std });
  const latent = linear(context, `${prefix}.q_a_proj`, x, { outputs: queryRank, bias, std });
  const normed = rmsNorm(context, `${prefix}.q_a_layernorm`, latent, NORM_EPSILON);
  return linear(context, `${prefix}.q_b_proj`, normed, { outputs, std });
}

interface Parts {
  /** [n, heads, plainWidth] and [n, heads, rotatedWidth] */
  readonly plainQueries: Tensor;
  readonly rotatedQueries: Tensor;
  /** [source * batch, rank] and [source * batch, rotatedWidth] */
  readonly latents: Tensor;
  readonly rotatedKeys: Tensor;
  /** [heads * (plainWidth + valueWidth), rank] */
  readonly expansion: Tensor;
}

/** Keys and values of every head are made from the latents: the fewest operations where all rows are new. */
function expanded(
  { time, batch, source, mask, causalBlock }: DecoderContext,
  { plainQueries, rotatedQueries, latents, rotatedKeys, expansion }: Parts,
  { heads, plainWidth, rotatedWidth, valueWidth, scale }: LatentAttentionSpec,
): Tensor {
  const count = source * batch;
  const keyWidth = plainWidth + rotatedWidth;
  const both = reshape(gemm(latents, expansion, { transposeB: true }), [
    count,
    heads,
    plainWidth + valueWidth,
  ]);
  const turned = broadcastTo(reshape(rotatedKeys, [count, 1, rotatedWidth]), [count, heads, rotatedWidth]);
  const keys = concat([slice(both, 2, 0, plainWidth), turned], 2);
  const values = slice(both, 2, plainWidth, plainWidth + valueWidth);
  const mixed = attention(
    reshape(concat([plainQueries, rotatedQueries], 2), [time, batch, heads, 1, keyWidth]),
    reshape(keys, [source, batch, heads, 1, keyWidth]),
    reshape(values, [source, batch, heads, 1, valueWidth]),
    { mask, scale, causalBlock },
  );
  return reshape(mixed, [time * batch, heads * valueWidth]);
}

/**
 * The expansion is moved to queries and results, so that one head of latents serves all queries and nothing is made anew of
 * the cached ones (section 2.1.2): q (W_k c) = (q W_k) c, and the sum over values is W_v (sum over c).
 */
function absorbed(
  { time, batch, source, mask, causalBlock }: DecoderContext,
  { plainQueries, rotatedQueries, latents, rotatedKeys, expansion }: Parts,
  { heads, rank, plainWidth, rotatedWidth, valueWidth, scale }: LatentAttentionSpec,
): Tensor {
  const rows = time * batch;
  const byHead = reshape(expansion, [heads, plainWidth + valueWidth, rank]);
  const toLatent = slice(byHead, 1, 0, plainWidth);
  const toValue = slice(byHead, 1, plainWidth, plainWidth + valueWidth);
  const latentQueries = transpose(matmul(plainQueries, toLatent, { rowsFirstA: true }), [1, 0, 2]);
  const width = rank + rotatedWidth;
  const mixed = attention(
    reshape(concat([latentQueries, rotatedQueries], 2), [time, batch, 1, heads, width]),
    reshape(concat([latents, rotatedKeys], 1), [source, batch, 1, 1, width]),
    reshape(latents, [source, batch, 1, 1, rank]),
    { mask, scale, causalBlock },
  );
  const values = matmul(reshape(mixed, [rows, heads, rank]), toValue, { rowsFirstA: true, transposeB: true });
  return reshape(transpose(values, [1, 0, 2]), [rows, heads * valueWidth]);
}
