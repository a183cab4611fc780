/**
 * Mixtures of experts: a router gives every row weights for a few of many feed-forward layers (Shazeer et al., 2017).
 *
 * Each expert takes the rows that were given to it, however many: no row is dropped and none is padded. An engine whose shapes
 * are static runs it on all rows, those of others being 0 (see `selectRows`).
 */
import {
  add,
  addSelectedRows,
  concat,
  constant,
  div,
  fill,
  gemm,
  less,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  selectRows,
  sigmoid,
  slice,
  softmax,
  sub,
  topK,
  where,
} from '../../graph/build.js';
import { silu } from '../../graph/composites/activations.js';
import type { Tensor } from '../../graph/tensor.js';
import type { DecoderContext } from '../family.js';
import { matrix } from './linear.js';

export interface Routing {
  /** Weight of every expert, [n, experts]; 0 where it was not chosen. */
  readonly weights: Tensor;
  /** bool [n, experts] */
  readonly chosen: Tensor;
  /** Before the choice, [n, experts]: probabilities, or affinities of sigmoid routing. */
  readonly scores: Tensor;
}

export interface RouterSpec {
  readonly experts: number;
  /** Experts that a row is given to. */
  readonly perToken: number;
  readonly std: number;
}

/** Softmax over all experts, then the largest, scaled to a sum of 1 (Jiang et al., 2024, Mixtral, section 2.1). */
export function softmaxRouting(
  context: DecoderContext,
  name: string,
  x: Tensor,
  { experts, perToken, std }: RouterSpec,
): Routing {
  const weight = matrix(context, `${name}.weight`, [experts, x.shape[1]], std);
  const scores = softmax(gemm(x, weight, { transposeB: true }));
  const chosen = topK(scores, perToken);
  const kept = where(chosen, scores, 0);
  return { weights: div(kept, reduceSum(kept, [1], true)), chosen, scores };
}

export interface GroupedRouterSpec extends RouterSpec {
  /** Experts lie in groups of equal size; a row is given to experts of the best `chosenGroups` alone. */
  readonly groups: number;
  readonly chosenGroups: number;
  /** Whether the weights are scaled to a sum of 1 before `factor` is applied. */
  readonly normalize: boolean;
  readonly factor: number;
}

/** A group counts as much as its best two experts together. */
const GROUP_EXPERTS = 2;
/** Keeps the quotient finite where all affinities vanish. */
const SUM_EPSILON = 1e-20;

/**
 * Sigmoid affinities; a bias that balances the load decides with them who is chosen and does not enter the weights
 * (DeepSeek-AI, 2024, DeepSeek-V3, section 2.1.2). `bias` is [experts].
 */
export function sigmoidRouting(
  context: DecoderContext,
  name: string,
  x: Tensor,
  bias: Tensor,
  { experts, perToken, groups, chosenGroups, normalize, factor, std }: GroupedRouterSpec,
): Routing {
  const rows = x.shape[0];
  const weight = matrix(context, `${name}.weight`, [experts, x.shape[1]], std);
  const scores = sigmoid(gemm(x, weight, { transposeB: true }));
  const biased = reshape(add(scores, bias), [rows, groups, experts / groups]);
  const best = where(topK(biased, Math.min(GROUP_EXPERTS, experts / groups)), biased, 0);
  const allowed = reshape(topK(reduceSum(best, [2]), chosenGroups), [rows, groups, 1]);
  const chosen = topK(reshape(where(allowed, biased, -Infinity), [rows, experts]), perToken);
  const kept = where(chosen, scores, 0);
  const shares = normalize ? div(kept, add(reduceSum(kept, [1], true), SUM_EPSILON)) : kept;
  return { weights: mul(shares, factor), chosen, scores };
}

export interface ExpertsSpec {
  readonly experts: number;
  readonly perToken: number;
  readonly innerWidth: number;
  readonly std: number;
  readonly outputStd: number;
}

/** Sum over the experts of weight * down(silu(gate(x)) * up(x)). Expert e's parameters are `<prefix>.<e>.<name>.weight`. */
export function swigluExperts(
  context: DecoderContext,
  prefix: string,
  x: Tensor,
  { weights, chosen }: Routing,
  { experts, perToken, innerWidth, std, outputStd }: ExpertsSpec,
  names: Readonly<Record<'gate' | 'up' | 'down', string>>,
): Tensor {
  const { graph, dtype, shape } = x;
  const [rows, width] = shape;
  const stored = (name: string, extents: readonly [number, number], deviation: number): Tensor[] =>
    Array.from({ length: experts }, (_, expert) =>
      matrix(context, `${prefix}.${expert}.${name}.weight`, extents, deviation),
    );
  const gates = stored(names.gate, [innerWidth, width], std);
  const ups = stored(names.up, [innerWidth, width], std);
  const downs = stored(names.down, [width, innerWidth], outputStd);
  const share = perToken / experts;
  const units = constant(
    graph,
    Array.from({ length: experts ** 2 }, (_, i) => (i % (experts + 1) === 0 ? 1 : 0)),
    [experts, experts],
    dtype,
  );
  let sum = fill(graph, 0, shape, dtype);
  for (let expert = 0; expert < experts; expert++) {
    const own = reshape(slice(chosen, 1, expert, expert + 1), [rows]);
    const selected = selectRows(x, own, share);
    // A product and no slice, whose derivative would need to know how many rows there are.
    const weight = gemm(selectRows(weights, own, share), slice(units, 1, expert, expert + 1));
    const gate = silu(gemm(selected, gates[expert], { transposeB: true }));
    const inner = mul(mul(gate, gemm(selected, ups[expert], { transposeB: true })), weight);
    sum = addSelectedRows(sum, own, gemm(inner, downs[expert], { transposeB: true }), share);
  }
  return sum;
}

/**
 * experts * sum over experts of (share of rows given to it) * (mean probability), both over the rows of all layers: least, 1 for each
 * expert of a row, where the load is even (Fedus et al., 2022, Switch Transformers, equations 4 to 6).
 */
export function loadBalancingLoss(routings: readonly Routing[]): Tensor {
  const experts = routings[0].scores.shape[1];
  const shares = concat(
    routings.map(({ chosen, scores }) => where(chosen, fill(scores.graph, 1, [], scores.dtype), 0)),
    0,
  );
  const probabilities = concat(
    routings.map(({ scores }) => scores),
    0,
  );
  return mul(reduceSum(mul(reduceMean(shares, [0]), reduceMean(probabilities, [0]))), experts);
}

/** Rows that each expert was given, [experts]. */
export function expertLoad({ chosen, scores }: Routing): Tensor {
  return reduceSum(where(chosen, fill(scores.graph, 1, [], scores.dtype), 0), [0]);
}

/**
 * The balancing bias after a step: up by `speed` for an expert with less than the mean load, down for one with more
 * (Wang et al., 2024, Auxiliary-Loss-Free Load Balancing, algorithm 1).
 */
export function balancedBias(bias: Tensor, load: Tensor, speed: number): Tensor {
  const scalar = (value: number): Tensor => fill(load.graph, value, [], load.dtype);
  const mean = reduceMean(load, [0], true);
  const direction = sub(where(less(load, mean), scalar(1), 0), where(less(mean, load), scalar(1), 0));
  return add(bias, mul(direction, speed));
}
