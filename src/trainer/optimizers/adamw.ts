/**
 * AdamW (Loshchilov and Hutter, 2019, algorithm 2) as PyTorch has it: decoupled weight decay, bias-corrected moments, and
 * epsilon added to the root of the corrected second moment.
 *
 * With b1, b2 the betas, t the step and g the clipped gradient: m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 * w = w (1 - lr decay) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon). The corrections are moved into two scalars,
 * step size = lr sqrt(1 - b2^t) / (1 - b1^t) and floor = epsilon sqrt(1 - b2^t), so that w's last term is
 * step size m / (sqrt(v) + floor): one pass over memory less, and memory is what bounds the update.
 */
import { add, div, fill, mul, sqrt, sub, where } from '../graph/build.js';
import type { GraphBuilder, Tensor } from '../graph/tensor.js';
import type { Clipping } from './clipping.js';

export interface AdamwOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Largest global norm of the gradients; null: not limited. */
  readonly clipNorm: number | null;
}

/** The scalars that change from step to step: inputs of the graph, float32 []. */
const STEP_INPUTS = ['stepSize', 'floor', 'keep', 'rate'] as const;
export type StepInputs = Record<(typeof STEP_INPUTS)[number], Float32Array>;

/** Values for step t (from 1), worked out in double precision. */
export function stepInputs(options: AdamwOptions, step: number, learningRate: number): StepInputs {
  const root = Math.sqrt(1 - options.beta2 ** step);
  return {
    stepSize: Float32Array.of((learningRate * root) / (1 - options.beta1 ** step)),
    floor: Float32Array.of(options.epsilon * root),
    keep: Float32Array.of(1 - learningRate * options.weightDecay),
    rate: Float32Array.of(learningRate),
  };
}

/** Factors of the update as tensors; where a step is not applied they leave everything as it is. */
export interface AdamwFactors {
  readonly applied: Tensor;
  /** Of every gradient, by clipping. */
  readonly scale: Tensor;
  readonly firstDecay: Tensor;
  readonly firstGain: Tensor;
  readonly secondDecay: Tensor;
  readonly secondGain: Tensor;
  readonly stepSize: Tensor;
  readonly floor: Tensor;
  readonly keep: Tensor;
  /** Learning rate of optimizers without bias correction. */
  readonly rate: Tensor;
}

export function adamwFactors(
  graph: GraphBuilder,
  options: AdamwOptions,
  { applied, scale }: Clipping,
): AdamwFactors {
  const input = (name: (typeof STEP_INPUTS)[number]): Tensor =>
    graph.apply('input', [], { name, shape: [], dtype: 'float32' });
  const scalar = (value: number): Tensor => fill(graph, value, [], 'float32');
  const when = (value: Tensor, otherwise: number): Tensor => where(applied, value, otherwise);
  const { beta1, beta2 } = options;
  return {
    applied,
    scale,
    firstDecay: when(scalar(beta1), 1),
    firstGain: when(mul(scale, 1 - beta1), 0),
    secondDecay: when(scalar(beta2), 1),
    secondGain: when(mul(mul(scale, scale), 1 - beta2), 0),
    stepSize: when(input('stepSize'), 0),
    floor: input('floor'),
    keep: when(input('keep'), 1),
    rate: when(input('rate'), 0),
  };
}

export interface AdamwState {
  readonly parameter: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
}

/**
 * The state of one parameter after the step. A gradient that is not finite must not reach the moments even with factor 0
 * (0 times infinity is not a number), so it is replaced, not scaled.
 */
export function adamw(
  state: AdamwState,
  gradient: Tensor,
  decay: boolean,
  factors: AdamwFactors,
): AdamwState {
  const g = where(factors.applied, gradient, 0);
  const first = add(mul(state.first, factors.firstDecay), mul(g, factors.firstGain));
  const second = add(mul(state.second, factors.secondDecay), mul(mul(g, g), factors.secondGain));
  const change = mul(div(first, add(sqrt(second), factors.floor)), factors.stepSize);
  const kept = decay ? mul(state.parameter, factors.keep) : state.parameter;
  return { parameter: sub(kept, change), first, second };
}
